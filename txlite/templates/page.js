"use strict";
(() => {
  const LOOK = 2000, SHARE = 10, NAMED = 3;
  const state = document.getElementById("state"), news = document.getElementById("news");
  const pause = document.getElementById("pause");
  let tag = "", timer = 0, isPaused = false, isLost = false, asOf = new Date(), took = 0;

  const time = moment => moment.toTimeString().slice(0, 8);
  const say = (node, words) => { if (node.textContent !== words) node.textContent = words; };

  // Make `old` what `fresh` is, and leave alone all that is the same: focus, selection and open details stay.
  function morph(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    for (const { name } of [...old.attributes])
      if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes)
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    const wanted = new Set(Array.from(fresh.children, child => child.id));
    const known = new Map();
    for (const child of [...old.children])
      if (child.id && !wanted.has(child.id)) child.remove();
      else if (child.id) known.set(child.id, child);
    let place = old.firstChild;
    for (const child of fresh.childNodes) {
      const found = child.id ? known.get(child.id) : place;
      if (child.id && found)
        while (place && place !== found && !place.id) place = drop(place);
      if (found && found.nodeName === child.nodeName && (found.id || "") === (child.id || "")) {
        if (found !== place) old.insertBefore(found, place);
        morph(found, child);
        place = found.nextSibling;
      } else {
        old.insertBefore(document.importNode(child, true), place);
        if (place && !place.id && !child.id) place = drop(place);
      }
    }
    while (place) place = drop(place);
  }

  function drop(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  const rows = () => new Map(Array.from(document.querySelectorAll("tr[data-state]"), row => [row.id, row.dataset.state]));

  function update(fresh) {
    const before = rows(), focused = document.activeElement;
    const near = focused && focused.closest("[id]");
    const open = Array.from(document.querySelectorAll("tr details[open]"), one => one.closest("tr").id);
    document.title = fresh.title;
    for (const part of ["header", "main", "footer"]) morph(document.querySelector(part), fresh.querySelector(part));
    for (const id of open) {
      const details = document.querySelector(`#${id} details`);
      if (details) details.open = true;
    }
    if (near && focused !== document.body && !focused.isConnected) {
      const again = document.getElementById(near.id);
      const target = again && again.querySelector(focused.nodeName.toLowerCase() + ", a, summary");
      if (target) target.focus({ preventScroll: true });
    }
    tell(before);
  }

  // What changed, for who does not see it; that something began is no news.
  function tell(before) {
    const changed = [];
    for (const [id, now] of rows())
      if (now !== "running" && before.get(id) !== now) changed.push(document.getElementById(id));
    if (!changed.length) return;
    const words = changed.slice(0, NAMED).map(row => {
      row.classList.add("fresh");
      const title = row.querySelector("bdi").textContent;
      return `${title.length > 60 ? title.slice(0, 59) + "…" : title}: ${row.dataset.state}`;
    });
    if (changed.length > NAMED) words.push(`and ${changed.length - NAMED} more`);
    words.push(document.querySelector("h1").textContent);
    say(news, words.join("; "));
  }

  function show() {
    document.body.classList.toggle("lost", isLost);
    if (isPaused) say(state, `Paused, as of ${time(asOf)}`);
    else if (isLost) say(state, `No answer since ${time(asOf)}`);
    else say(state, `As of ${time(asOf)}, updates itself`);
  }

  function look() {
    clearTimeout(timer);
    if (isPaused || document.hidden) return;
    const request = new XMLHttpRequest();
    request.open("GET", ".");
    request.responseType = "document";
    request.timeout = 40000;
    if (tag) request.setRequestHeader("If-None-Match", tag);
    request.onloadend = () => {
      if (isPaused) return;
      const isAnswered = request.status === 200 || request.status === 304;
      if (isAnswered) asOf = new Date();
      if (request.status === 200 && request.response) {
        const began = performance.now();
        tag = request.getResponseHeader("ETag") || "";
        update(request.response);
        took = performance.now() - began;
      }
      if (isAnswered === isLost) {
        isLost = !isAnswered;
        say(news, isLost ? "This page is no longer updated: txlite page --serve does not answer." : "It is updated again.");
      }
      show();
      timer = setTimeout(look, Math.max(LOOK, SHARE * took));
    };
    request.send();
  }

  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    show();
    look();
  });
  document.addEventListener("visibilitychange", look);
  show();
  timer = setTimeout(look, LOOK);
})();
