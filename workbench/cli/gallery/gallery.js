// The gallery: asks how far the learner is when the page is looked at again, and says it on the cards.
const AGAIN_MS = 1500;

function text(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

function draw(state) {
  text(document.querySelector(".sum"), state.sum);
  for (const [number, far] of Object.entries(state.lessons)) {
    const card = document.querySelector(`[data-lesson="${number}"]`);
    card.querySelectorAll(".dots i").forEach((dot, i) => dot.classList.toggle("done", Boolean(far.dots[i])));
    text(card.querySelector(".said"), far.said);
    text(card.querySelector(".opened"), far.opened);
    const mark = card.querySelector(".mark");
    text(mark, far.mark);
    mark.hidden = !far.mark;
  }
}

async function ask() {
  const answer = await fetch("/state").catch(() => null); // the server may have been stopped
  if (!answer?.ok) return;
  const state = await answer.json();
  draw(state);
  if (state.busy) setTimeout(ask, AGAIN_MS);
}

document.addEventListener("visibilitychange", () => document.hidden || ask());
window.addEventListener("focus", ask);
ask();
