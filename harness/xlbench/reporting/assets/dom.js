// Elements. Text is only ever set as text, so that no name or note can become markup.

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

let lastId = 0;

function newId(stem) {
  lastId += 1;
  return `${stem}-${lastId}`;
}

// A select with its label; options are pairs of value and text.
function choice(label, options, chosen, change) {
  const select = make("select", { onchange: () => change(select.value) });
  for (const [value, text] of options) {
    select.append(make("option", { value, selected: value === chosen }, text));
  }
  return make("label", { class: "choice" }, make("span", {}, label), select);
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

// Said by screen readers, seen by nobody.
function say(text) {
  document.getElementById("say").textContent = text;
}
