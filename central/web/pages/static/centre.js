// The centre's script: theme without a new page, "/" for the search, live values, asking first.
// Everything works without it.
(function () {
  "use strict";
  const body = document.body;
  const find = (query, from) => (from || document).querySelector(query);
  const all = (query, from) => Array.from((from || document).querySelectorAll(query));

  // ── light and dark, at once ──
  const theme = find("#theme");
  if (theme) theme.addEventListener("submit", (event) => {
    if (!event.submitter) return;
    event.preventDefault();
    const wish = event.submitter.value;
    document.documentElement.dataset.theme = wish;
    const sent = new URLSearchParams(new FormData(theme));
    sent.set("theme", wish);
    fetch(theme.action, { method: "POST", body: sent, credentials: "same-origin", redirect: "manual" })
      .catch(() => theme.submit());
  });

  // ── "/" goes to the search ──
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable) return;
    const search = find("#search") || find(".filters input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  });

  // ── menus close when one goes elsewhere ──
  const menus = all("details.menu, details.rest");
  addEventListener("click", (event) => menus.forEach((menu) => {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  }));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") menus.forEach((menu) => { menu.open = false; });
  });

  // ── choosing shows, typing waits for Enter ──
  all(".filters").forEach((form) => form.addEventListener("change", (event) => {
    if (event.target.matches("select, input[type=checkbox], input[type=date]")) form.requestSubmit();
  }));
  // empty fields make a long address for nothing
  all("form[method=get]").forEach((form) => form.addEventListener("formdata", (event) => {
    for (const [name, value] of Array.from(event.formData)) if (value === "") event.formData.delete(name);
  }));

  // ── nothing is sent twice ──
  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    setTimeout(() => { delete form.dataset.sent; }, 4000);
  });

  // ── what is hard to undo is asked for first ──
  all("form[data-asks]").forEach((form) => form.addEventListener("submit", (event) => {
    if (form.dataset.sure || !window.HTMLDialogElement) return;
    event.preventDefault();
    delete form.dataset.sent;
    const dialog = document.createElement("dialog");
    const words = document.createElement("p");
    const acts = document.createElement("p");
    const yes = document.createElement("button");
    const no = document.createElement("button");
    words.textContent = form.dataset.asks;
    acts.className = "acts";
    yes.textContent = (event.submitter || form).textContent.trim();
    yes.className = "danger";
    no.textContent = find("#stay-words") ? find("#stay-words").textContent : "✕";
    acts.append(yes, no);
    dialog.append(words, acts);
    body.append(dialog);
    dialog.setAttribute("aria-label", form.dataset.asks);
    yes.addEventListener("click", () => { form.dataset.sure = "yes"; dialog.close(); form.requestSubmit(); });
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    dialog.showModal();
    no.focus();
  }, true));

  all("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => print());
  });

  // ── live values change in place; what one is about to touch waits ──
  let pressed = false;
  let after = {};
  addEventListener("pointerdown", () => { pressed = true; }, true);
  const lifted = () => setTimeout(() => { pressed = false; put(after); after = {}; }, 50);
  addEventListener("pointerup", lifted, true);
  addEventListener("pointercancel", lifted, true);
  function put(news) {
    for (const [key, html] of Object.entries(news)) {
      if (pressed) { after[key] = html; continue; }
      for (const place of all("[data-live]")) {
        if (place.dataset.live !== key) continue;
        const made = place.cloneNode(false);
        made.innerHTML = html;
        if (made.textContent === place.textContent || place.contains(document.activeElement)) continue;
        const [was, is] = [place.textContent, made.textContent];
        place.replaceChildren(...made.childNodes);
        place.classList.remove("fresh");
        void place.offsetWidth;
        if (place.tagName === "TD") place.classList.add("fresh");
        if (place.tagName === "H1" && was.trim() !== is.trim()) find("#say").textContent = is.trim();
      }
    }
  }
  const follow = body.dataset.follow;
  if (follow && window.EventSource) {
    const cut = find("#cut");
    const query = new URLSearchParams(location.search);
    query.set("of", follow);
    if (body.dataset.at) query.set("at", body.dataset.at);
    let doubt = 0;
    let stream = null;
    const open = () => {
      stream = new EventSource("/live?" + query);
      stream.addEventListener("open", () => { clearTimeout(doubt); doubt = 0; cut.hidden = true; });
      stream.addEventListener("change", (event) => put(JSON.parse(event.data)));
      stream.addEventListener("ended", () => { stream.close(); location.reload(); });
      stream.addEventListener("error", () => {
        if (!doubt) doubt = setTimeout(() => { cut.hidden = false; }, 8000);
      });
    };
    const close = () => { if (stream) stream.close(); stream = null; };
    // a page that nobody sees follows nothing
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) close();
      else if (!stream) open();
    });
    addEventListener("pagehide", close);
    if (!document.hidden) open();
  }
})();
