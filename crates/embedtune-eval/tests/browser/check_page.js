// Faults of the page as it is laid out, as a list of sentences. An expression, so that it can be
// evaluated in the page.
(() => {
  const faults = [];
  const say = (text) => faults.push(text);
  const snip = (text) => JSON.stringify(text.trim().slice(0, 40));

  // Nothing sticks out sideways, except in what scrolls by itself.
  const scrolls = (node) => node.closest(".scroll") !== null;
  if (document.documentElement.scrollWidth > innerWidth) {
    say(`the page is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
  }
  for (const node of document.querySelectorAll("main *, footer *")) {
    const box = node.getBoundingClientRect();
    if (box.width > 0 && !scrolls(node) && (box.right > innerWidth + 1 || box.left < -1)) {
      say(`<${node.tagName} class="${node.getAttribute("class")}"> sticks out: ${snip(node.textContent)}`);
    }
  }

  const overlap = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
  const inside = (a, b) =>
    a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
  const shown = [...document.querySelectorAll("svg:not([aria-hidden])")].filter(
    (svg) => getComputedStyle(svg).display !== "none" && !svg.closest("details:not([open])"));

  for (const svg of shown) {
    const name = svg.querySelector("title").textContent;
    const box = svg.getBoundingClientRect();
    const content = svg.getBBox();
    if (!(box.width > 20 && box.height > 6 && content.width > 0 && content.height > 0)) {
      say(`"${name}" is empty: ${box.width} × ${box.height}`);
      continue;
    }
    const marks = svg.querySelectorAll("line, path, polyline, circle, rect:not(.plot)");
    if (![...marks].some((mark) => mark.getBoundingClientRect().width > 0)) {
      say(`"${name}" has no marks`);
    }
    const plot = svg.querySelector(".plot")?.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")];
    texts.forEach((text, at) => {
      const place = text.getBoundingClientRect();
      if (place.width === 0) say(`"${name}": ${snip(text.textContent)} is not to be seen`);
      if (!inside(place, box)) say(`"${name}": ${snip(text.textContent)} leaves the drawing`);
      // Names of axes and ticks stand outside of the plot, notes in it.
      const note = text.classList.contains("note");
      if (plot && !note && overlap(place, plot)) {
        say(`"${name}": ${snip(text.textContent)} runs into the plot`);
      }
      if (plot && note && !inside(place, plot)) {
        say(`"${name}": the note ${snip(text.textContent)} leaves the plot`);
      }
      const height = place.height;
      if (height < 9) say(`"${name}": ${snip(text.textContent)} is ${height.toFixed(1)} high`);
      for (const other of texts.slice(at + 1)) {
        if (overlap(place, other.getBoundingClientRect())) {
          say(`"${name}": ${snip(text.textContent)} and ${snip(other.textContent)} overlap`);
        }
      }
    });
  }

  // Contrast of text as WCAG 2.1 computes it, 4.5 to 1, and 3 to 1 for large text.
  const colour = (text) => text.match(/[\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => {
      const part = c / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (node) => {
    for (let it = node; it; it = it.parentElement) {
      const [r, g, b, a = 1] = colour(getComputedStyle(it).backgroundColor);
      if (a > 0.99) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const weak = new Set();
  for (const node of document.querySelectorAll("main *, footer *")) {
    const own = [...node.childNodes].some((it) => it.nodeType === 3 && it.textContent.trim());
    if (!own || ["TITLE", "DESC"].includes(node.tagName.toUpperCase())) continue;
    const style = getComputedStyle(node);
    if (style.display === "none") continue;
    const svg = node instanceof SVGElement;
    const ink = colour(svg ? style.fill : style.color).slice(0, 3);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const found = contrast(ink, ground(svg ? node.closest("svg").parentElement : node));
    if (found < (large ? 3 : 4.5)) {
      weak.add(`contrast ${found.toFixed(2)} of <${node.tagName} class="${node.getAttribute("class")}">`);
    }
  }
  weak.forEach(say);

  if (document.querySelectorAll("h1").length !== 1) say("not one h1");
  return { faults, drawings: shown.length, height: document.documentElement.scrollHeight };
})()
