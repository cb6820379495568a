// Finding while one types: what is found stands below the field; without it, Enter shows a page.
(function () {
  "use strict";
  function suggest(field, address) {
    if (!field || !address) return;
    const place = document.createElement("div");
    place.className = "found";
    place.setAttribute("role", "region");
    place.setAttribute("aria-live", "polite");
    place.setAttribute("aria-label", field.labels && field.labels[0] ? field.labels[0].textContent : field.name);
    place.hidden = true;
    const around = field.closest(".row, form");
    around.classList.add("finding");
    around.append(place);
    let asked = 0;
    let timer = 0;
    const links = () => Array.from(place.querySelectorAll("a"));
    const ask = () => {
      const text = field.value.trim();
      const mine = ++asked;
      if (text.length < 2) { place.hidden = true; return; }
      fetch(address + "?" + new URLSearchParams({ q: text }), { credentials: "same-origin" })
        .then((answer) => (answer.ok && !answer.redirected ? answer.text() : ""))
        .then((html) => {
          // an answer that comes late is to a question nobody asks any more
          if (mine !== asked) return;
          place.innerHTML = html;
          place.hidden = !html;
        })
        .catch(() => { place.hidden = true; });
    };
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 150); });
    around.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { place.hidden = true; field.focus(); }
      if (place.hidden || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
      const all = [field, ...links()];
      const at = all.indexOf(document.activeElement);
      const next = all[at + (event.key === "ArrowDown" ? 1 : -1)];
      if (at >= 0 && next) { event.preventDefault(); next.focus(); }
    });
    addEventListener("click", (event) => { if (!around.contains(event.target)) place.hidden = true; });
    around.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !around.contains(event.relatedTarget)) place.hidden = true;
    });
  }
  suggest(document.querySelector("#search"), "/search/:find");
  suggest(document.querySelector(".filters input[name=q]"), document.body.dataset.find);
})();
