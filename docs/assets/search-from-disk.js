// A browser runs no worker of a page that was opened from a disk, and the search is a worker: such a page runs it in a
// hidden frame instead. The theme would fetch something of the kind from the network.
if (location.protocol === "file:") {
  class FrameWorker extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.documentElement.append(frame);
      this.window = frame.contentWindow;
      this.ready = new Promise((resolve) => {
        this.window.answer = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        this.window.begun = resolve;
      });
      const page = this.window.document;
      page.open();
      page.write(`<script>(${insideFrame})()</` + `script><script src="${url}" onload="begun()"></` + `script>`);
      page.close();
    }

    postMessage(data) {
      this.ready.then(() => this.window.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.window.frameElement.remove();
    }
  }

  function insideFrame() {
    window.postMessage = window.answer;
    window.importScripts = (...urls) =>
      urls.reduce(
        (before, url) =>
          before.then(
            () =>
              new Promise((resolve, reject) => {
                const script = document.createElement("script");
                script.src = url;
                script.onload = resolve;
                script.onerror = reject;
                document.body.append(script);
              }),
          ),
        Promise.resolve(),
      );
  }

  window.IFrameWorker = FrameWorker; // the theme's worker looks for this name to find its files
  window.Worker = FrameWorker;
}
