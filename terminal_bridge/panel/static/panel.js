// The panel's script: news from the terminal, signing off, the keypad, the price that follows.
// Everything but these works without it.
(function () {
  "use strict";
  const body = document.body;
  const set = body.dataset;
  const base = set.base;
  const signed = "guest" in set;
  const idle = Number(set.idle) * 1000;
  const find = (query, from) => (from || document).querySelector(query);
  const each = (query, act, from) => Array.from((from || document).querySelectorAll(query)).forEach(act);
  const post = (path, more) =>
    fetch(base + path, {
      method: "POST",
      body: new URLSearchParams({ token: set.token, ...more }),
      credentials: "same-origin",
      redirect: "manual", // where it leads is for a person to read: a notice is told once
    }).then((answer) => (answer.status >= 500 ? Promise.reject(answer) : answer));

  // ── nothing changes under a finger: changes wait until it is lifted ──
  let pressed = false;
  let after = [];
  const gently = (act) => (pressed ? after.push(act) : act());
  addEventListener("pointerdown", () => { pressed = true; }, true);
  const lifted = () => setTimeout(() => {
    pressed = false;
    const acts = after;
    after = [];
    acts.forEach((act) => act());
  }, 50);
  addEventListener("pointerup", lifted, true);
  addEventListener("pointercancel", lifted, true);

  // Put new nodes where old ones are; focus stays on what has the same id.
  function replace(old, made) {
    const focus = document.activeElement;
    const id = focus && old.contains(focus) ? focus.id : "";
    const top = scrollY;
    old.replaceWith(made);
    ready(made);
    const again = id && document.getElementById(id);
    if (again) again.focus({ preventScroll: true });
    else if (id) find("#main").focus({ preventScroll: true });
    scrollTo(0, top);
  }
  function fill(id, html) {
    const old = document.getElementById(id);
    if (!old) return;
    gently(() => {
      const made = old.cloneNode(false);
      made.innerHTML = html;
      // What matters is also said, once, to those who cannot see it change.
      const [was, is] = [old, made].map((part) => (find(".heard", part) || part).textContent.trim());
      if (was !== is && find(".heard", made)) find("#say").textContent = is;
      replace(document.getElementById(id), made);
    });
  }

  // ── the line to the terminal ──
  const cut = find("#cut");
  let lost = false;
  let doubt = 0;
  let pause = 1000;
  const go = (address) => {
    if (address[0] === "/" && address[1] !== "/") location.assign(address);
  };
  function gone() {
    lost = true;
    cut.hidden = false;
  }
  // A page that cannot be fetched would leave the screen with a browser's error: ask first.
  function reach(then) {
    post("/touch").then(() => { back(); then(); }, gone);
  }
  function back() {
    clearTimeout(doubt);
    doubt = 0;
    pause = 1000;
    cut.hidden = true;
    if (body.classList.contains("blank")) go(base + "/");
    else if (lost) refresh();
    lost = false;
  }
  function listen() {
    const source = new EventSource(base + "/events?live=" + encodeURIComponent(set.live));
    const on = (name, act) => source.addEventListener(name, (event) => act(event.data));
    source.onopen = back;
    source.onerror = () => {
      if (!doubt) doubt = setTimeout(gone, 2500);
      if (source.readyState === EventSource.CLOSED) {
        setTimeout(listen, pause);
        pause = Math.min(pause * 2, 10000);
      }
    };
    on("view", (data) => go(JSON.parse(data).go));
    on("notice", (data) => tell(JSON.parse(data)));
    on("copy", (data) => fill("live", data));
    on("line", (data) => fill("line", data));
    on("jobs", refresh);
    addEventListener("pagehide", () => source.close());
  }
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  let leaving = false; // the page that comes next says what came of it
  function refresh() {
    if (leaving || !find("[data-live]", find("#main")) || begun()) return; // what is typed stays
    fetch(location.href, { credentials: "same-origin" }).then((answer) => {
      if (answer.redirected) return location.assign(answer.url);
      return answer.ok && answer.text().then((text) => {
        const made = find("#main", new DOMParser().parseFromString(text, "text/html"));
        if (!made) return;
        // What is told stays where it is: rows do not jump.
        const notice = find("#notice", made);
        const shown = find("#notice");
        if (notice && !shown) news(notice);
        if (shown && !notice) made.prepend(shown.cloneNode(true));
        gently(() => replace(find("#main"), document.importNode(made, true)));
      });
    }).catch(() => undefined);
  }

  // The code that a phone scans lasts a minute or two; a screen stands for hours.
  if (!signed && find(".qr")) setInterval(refresh, 50000);

  function tell(heard) {
    const form = document.getElementById("tone-" + heard.tone) || document.getElementById("tone-unknown");
    const made = document.importNode(form.content, true).firstElementChild;
    find("b", made).textContent = heard.text;
    if (heard.detail) {
      const detail = document.createElement("span");
      detail.className = "detail";
      detail.textContent = heard.detail;
      find("p", made).append(" ", detail);
    }
    news(made);
  }
  function news(made) {
    const all = find("#news");
    all.append(made);
    while (all.children.length > 3) all.firstElementChild.remove();
    setTimeout(() => made.remove(), made.classList.contains("trouble") ? 20000 : 8000);
  }

  // ── signing off when nobody touches ──
  const stay = find("#stay");
  let touched = Date.now();
  let said = touched;
  function touch() {
    touched = Date.now();
    stay.hidden = true;
    if (signed && touched - said >= 10000) {
      said = touched;
      post("/touch").catch(() => undefined);
    }
  }
  ["pointerdown", "keydown", "input"].forEach((name) => addEventListener(name, touch, { capture: true, passive: true }));
  addEventListener("scroll", touch, { passive: true });
  const begun = () => Array.from(document.querySelectorAll("main input")).some((field) => field.value !== field.defaultValue);
  setInterval(() => {
    if (find("[data-busy]")) touched = Date.now();
    const left = Math.ceil((touched + idle - Date.now()) / 1000);
    if (signed) {
      stay.hidden = left > 10 || left <= 0 || body.classList.contains("blank");
      const count = String(left);
      if (!stay.hidden && find("b", stay).textContent !== count) find("b", stay).textContent = count;
      if (left <= 0 && !body.classList.contains("blank")) {
        body.classList.add("blank");
        post("/sign-off").then(() => go(base + "/"), gone);
      }
    } else if (left <= 0 && begun()) go(base + "/");
  }, 500);

  // ── forms: once each; not into the void ──
  addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    if (form.id === "theme" && button && !lost) {
      event.preventDefault();
      document.documentElement.dataset.theme = button.value;
      post("/theme", { theme: button.value }).catch(() => undefined);
      const other = find("button:not([value=" + button.value + "])", form);
      if (document.activeElement !== other) other.focus();
      return;
    }
    if (form.dataset.sent) return event.preventDefault();
    if (lost && !form.dataset.sure) {
      event.preventDefault();
      reach(() => {
        form.dataset.sure = "1";
        form.requestSubmit(button);
      });
      return;
    }
    form.dataset.sent = "1";
    if ("quick" in form.dataset) {
      event.preventDefault();
      send(form);
    }
    if (button) {
      button.setAttribute("aria-disabled", "true");
      button.classList.add("busy");
    }
    setTimeout(() => {
      delete form.dataset.sent;
      delete form.dataset.sure;
      if (button) {
        button.removeAttribute("aria-disabled");
        button.classList.remove("busy");
      }
    }, 8000);
  });
  // The question is on its way at once, not only after a browser has made ready to leave the page.
  function send(form) {
    leaving = true;
    fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      credentials: "same-origin",
      headers: { accept: "application/json" },
      redirect: "manual",
      priority: "high",
    }).then((answer) => {
      if (answer.ok) return answer.json().then((said) => go(said.go));
      if (answer.status) return form.submit(); // a page says why not
      return go(base + "/"); // somebody else stands there
    }).catch(() => {
      leaving = false;
      gone();
    });
  }
  addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href]");
    if (link && lost && link.getAttribute("href")[0] !== "#") {
      event.preventDefault();
      reach(() => location.assign(link.href));
    }
  });

  // ── digits ──
  function grouped(field, always) {
    const size = Number(field.dataset.groups);
    if (!size) return;
    const end = always || field.selectionStart === field.value.length;
    const digits = field.value.replace(/\D/g, "").slice(0, 20);
    const shown = digits.replace(new RegExp("(\\d{" + size + "})(?=\\d)", "g"), "$1 ");
    if (shown !== field.value && end) field.value = shown;
  }
  function key(field, what) {
    if (what === "clear") field.value = "";
    else if (what === "back") field.value = field.value.replace(/\s*\S\s*$/, "");
    else if (field.value.length < field.maxLength) field.value += what;
    field.setSelectionRange(field.value.length, field.value.length);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // ── the price that follows ──
  let asked = 0;
  let wait = 0;
  function reprice(form) {
    const figure = find("#figure");
    figure.setAttribute("aria-busy", "true");
    const release = find("#release");
    if (release) release.disabled = true;
    clearTimeout(wait);
    wait = setTimeout(() => {
      const mine = ++asked;
      const fields = new URLSearchParams(new FormData(form));
      fields.delete("confirmed");
      const done = () => {
        figure.removeAttribute("aria-busy");
        const button = find("#release");
        if (button) button.disabled = false;
      };
      fetch(form.dataset.figure + "?" + fields, { credentials: "same-origin" })
        .then((answer) => (answer.ok && !answer.redirected ? answer.text() : Promise.reject(answer)))
        .then((html) => {
          if (mine !== asked) return;
          fill("figure", html);
          find("#figure").removeAttribute("aria-busy");
        })
        .catch(() => mine === asked && done());
    }, 150);
  }

  // What a page, or a new part of one, needs before it is touched.
  function ready(part) {
    each(".keypad", (pad) => {
      if (!body.classList.contains("screen")) return;
      const field = document.getElementById(pad.dataset.for);
      pad.hidden = false;
      field.inputMode = "none";
      const welcome = pad.closest(".welcome");
      if (welcome) {
        const shown = !find(".art, .qr", welcome);
        const swap = () => welcome.classList.toggle("keys", shown || document.activeElement === field);
        each("input", (input) => input.addEventListener("focus", swap), welcome);
        swap();
      }
      each("button", (button) => {
        button.addEventListener("mousedown", (event) => event.preventDefault());
        button.addEventListener("click", () => key(field, button.dataset.key));
      }, pad);
    }, part);
    each("[data-groups]", (field) => {
      grouped(field, true);
      field.addEventListener("input", () => grouped(field));
    }, part);
    each("[name=way]", (way) => way.addEventListener("change", () => find("#" + way.value).focus()), part);
    each("[data-step]", (button) => {
      button.hidden = false;
      const field = document.getElementById(button.dataset.for);
      button.addEventListener("click", () => {
        const value = (Number(field.value) || 1) + Number(button.dataset.step);
        field.value = Math.min(Math.max(value, field.min), field.max);
        field.dispatchEvent(new Event("input", { bubbles: true }));
      });
    }, part);
    each("form[data-figure]", (form) => {
      find(".show-price", form).hidden = true;
      form.addEventListener("input", () => reprice(form));
    }, part);
  }
  ready(document);
  if (set.live) listen();
})();
