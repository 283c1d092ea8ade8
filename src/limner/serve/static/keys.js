"use strict";
// Keys and the choice of light or dark: all the script there is. The choice is set before the page is drawn.
(() => {
  const root = document.documentElement;
  const remembered = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const theme = remembered();
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;

  const toggleTheme = () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* kept for this page only */ }
  };

  const follow = (selector) => {
    const link = document.querySelector(selector);
    if (link) location.assign(link.href);
    return Boolean(link);
  };

  const choose = (step) => {
    const entries = [...document.querySelectorAll("[data-entry]")];
    if (!entries.length) return false;
    const at = entries.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : entries.length - 1) : at + step;
    if (next < 0 || next >= entries.length) return follow(step > 0 ? "[data-after]" : "[data-before]");
    entries[next].focus();
    entries[next].scrollIntoView({ block: "nearest" });
    return true;
  };

  const onward = (step) => choose(step) || follow(step > 0 ? "[data-after]" : "[data-before]");

  const keys = {
    j: () => onward(1),
    k: () => onward(-1),
    ArrowRight: () => follow("[data-after]"),
    ArrowLeft: () => follow("[data-before]"),
    d: () => follow("[data-dropped]"),
    u: () => follow("[data-up]"),
    t: () => { toggleTheme(); return true; },
    "/": () => { const field = document.getElementById("search"); field.focus(); field.select(); return true; },
    "?": () => { document.getElementById("keys").showModal(); return true; },
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target;
    if (at instanceof HTMLElement && at.matches("input, select, textarea")) {
      if (event.key === "Escape") at.blur();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    // Arrows belong to what scrolls sideways, when that is where the reader is.
    if (event.key.startsWith("Arrow") && at instanceof Element && at.closest("pre, .table, .scroll, audio, video")) return;
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
    if (act && act()) event.preventDefault();
  });

  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", toggleTheme);
    document.getElementById("help").addEventListener("click", () => keys["?"]());
  });
})();
