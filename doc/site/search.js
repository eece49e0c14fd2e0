// The search by name. names.js, which script/site writes, has the names of all calls and headings:
// { name, page, where }, of which `where` is the module or the guide.
"use strict";
const input = document.getElementById("search"), list = document.getElementById("found");
let chosen = -1;

// Names that begin with the text come first, then those in which it begins a word, then all that have it.
function rank(name, text) {
  const at = name.toLowerCase().indexOf(text);
  if (at < 0) return 9;
  if (at === 0) return 0;
  return /[a-z0-9]/i.test(name[at - 1]) ? 2 : 1;
}

function find(text) {
  return window.names.map((entry) => ({ entry, rank: rank(entry.name, text) }))
    .filter((one) => one.rank < 9)
    .sort((a, b) => a.rank - b.rank || a.entry.name.length - b.entry.name.length)
    .slice(0, 30).map((one) => one.entry);
}

function show() {
  const text = input.value.trim().toLowerCase();
  chosen = -1;
  list.replaceChildren(...(text ? find(text) : []).map((entry) => {
    const item = document.createElement("li"), link = document.createElement("a");
    const where = document.createElement("small");
    link.href = input.dataset.root + entry.page;
    link.textContent = entry.name;
    where.textContent = entry.where;
    link.append(where);
    item.append(link);
    return item;
  }));
}

function choose(step) {
  const items = list.children;
  if (items.length === 0) return;
  if (items[chosen]) items[chosen].className = "";
  chosen = (chosen + step + items.length) % items.length;
  items[chosen].className = "chosen";
  items[chosen].scrollIntoView({ block: "nearest" });
}

input.addEventListener("input", show);
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") choose(1);
  else if (event.key === "ArrowUp") choose(-1);
  else if (event.key === "Enter" && list.children.length > 0) {
    list.children[Math.max(chosen, 0)].querySelector("a").click();
  } else if (event.key === "Escape") input.value = "";
  else return;
  event.preventDefault();
  if (event.key === "Escape" || event.key === "Enter") list.replaceChildren();
});
list.addEventListener("click", () => list.replaceChildren());
