"use strict";
// What is chosen in a view stands in its address, so that it can be sent, kept, and gone back to.

let here = location.hash;

function asked() {
  return new URLSearchParams(location.hash.slice(1));
}

// Choices of a part of a view, under its name; those of a part without one are not kept in the address.
// What is chosen by default is not written.
function choices(part) {
  const own = new Map();
  const get = (key) => (part ? asked().get(`${part}.${key}`) : own.get(key));
  return {
    // The value asked for, if it is one of `options` (any value if there are no options).
    get(key, usual = "", options = null) {
      const found = get(key) ?? usual;
      return options && !options.includes(found) ? usual : found;
    },
    // `typed` replaces the last address, so that going back does not go letter by letter.
    set(key, value, usual = "", typed = false) {
      if (!part) return own.set(key, value);
      const all = asked();
      if (value === usual) all.delete(`${part}.${key}`);
      else all.set(`${part}.${key}`, value);
      return goTo(`#${all}`, typed);
    },
  };
}

function goTo(address, typed) {
  if (typed) location.replace(address);
  else location.hash = address;
  here = location.hash;
}

// Which view an address is of, whatever is chosen in it.
function viewOf(address) {
  const all = new URLSearchParams(address.slice(1));
  return JSON.stringify(["page", "task", "language", "whole"].map((key) => all.get(key)));
}
