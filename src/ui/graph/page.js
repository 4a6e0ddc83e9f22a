(() => {
  "use strict";
  const svg = document.getElementById("rsds-graph");
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  let view = [0, 0, width, height];
  const show = () => svg.setAttribute("viewBox", view.join(" "));
  const scale = () => Math.max(view[2] / svg.clientWidth, view[3] / svg.clientHeight);
  const place = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY);
    return point.matrixTransform(svg.getScreenCTM().inverse());
  };

  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const by = Math.min(Math.max(Math.exp(event.deltaY * 0.0015), 0.5), 2);
    const at = place(event);
    if (view[2] * by > width * 4 || view[2] * by < 100) return;
    view = [at.x - (at.x - view[0]) * by, at.y - (at.y - view[1]) * by, view[2] * by, view[3] * by];
    show();
  }, { passive: false });

  let moved = 0;
  svg.addEventListener("pointerdown", (event) => { moved = 0; svg.classList.add("moving"); });
  window.addEventListener("pointerup", () => svg.classList.remove("moving"));
  window.addEventListener("pointermove", (event) => {
    if (!svg.classList.contains("moving")) return;
    moved += Math.abs(event.movementX) + Math.abs(event.movementY);
    view = [view[0] - event.movementX * scale(), view[1] - event.movementY * scale(), view[2], view[3]];
    show();
  });
  svg.addEventListener("dblclick", () => { view = [0, 0, width, height]; show(); });

  const pairs = [];
  for (const edge of svg.querySelectorAll("g.edge[data-from]")) {
    pairs.push([edge.dataset.from, edge.dataset.to, edge]);
  }
  for (const bundle of svg.querySelectorAll("g.bundle[data-pairs]")) {
    for (const pair of bundle.dataset.pairs.split(" ")) pairs.push([...pair.split(">"), bundle]);
  }
  const follow = (start, near, far) => {
    const seen = new Set([start]);
    for (const address of seen) {
      for (const pair of pairs) {
        if (pair[near] === address) { seen.add(pair[far]); pair[2].classList.add("on"); }
      }
    }
    return seen;
  };
  svg.addEventListener("click", (event) => {
    if (moved > 4) return;
    for (const one of svg.querySelectorAll(".on")) one.classList.remove("on");
    const node = event.target.closest("g.node[data-address]");
    svg.classList.toggle("following", node !== null);
    if (node === null) return;
    const seen = [...follow(node.dataset.address, 1, 0), ...follow(node.dataset.address, 0, 1)];
    for (const other of svg.querySelectorAll("g.node[data-address]")) {
      if (seen.includes(other.dataset.address)) other.classList.add("on");
    }
  });
})();
