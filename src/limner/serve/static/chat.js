"use strict";
// Asks without leaving the page: the form works without this too.
(() => {
  const form = document.getElementById("ask");
  const state = document.getElementById("state");
  const turns = document.getElementById("turns");
  const question = document.getElementById("question");
  let waiting = false;

  const ask = async () => {
    if (waiting || !question.value.trim()) return;
    waiting = true;
    form.setAttribute("aria-busy", "true");
    state.textContent = "Looking, reading, writing …";
    try {
      const answer = await fetch("/chat", { method: "POST", body: new FormData(form), headers: { "x-limner-turn": "1" } });
      const text = await answer.text();
      if (!answer.ok) {
        state.textContent = text;
        return;
      }
      // The server escaped all that is not its own markup, and the page's policy lets no script of it run.
      turns.insertAdjacentHTML("beforeend", text);
      const turn = turns.lastElementChild;
      form.elements.previous.value = turn.id;
      history.replaceState(null, "", `/chat?at=${encodeURIComponent(turn.id)}`);
      form.reset();
      form.elements.previous.value = turn.id;
      question.value = "";
      question.placeholder = "Ask on";
      state.textContent = "";
      turn.scrollIntoView({ behavior: "smooth", block: "start" });
    } catch {
      state.textContent = "The server did not answer.";
    } finally {
      waiting = false;
      form.removeAttribute("aria-busy");
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      ask();
    }
  });
})();
