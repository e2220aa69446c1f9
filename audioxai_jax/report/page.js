// Players, equal loudness, and the cursor that follows the sound. Without this script the
// page shows the browser's own players.
(() => {
  const page = document.documentElement;
  const rows = [...document.querySelectorAll(".sounds li")];
  const plots = [...document.querySelectorAll(".plot")];
  // What belongs together: a clip's part of the page, if there are several, or all of it.
  const together = (element) => element.closest("[data-clip]") || page;
  const loudness = document.querySelector(".switch input");
  const announce = document.querySelector("#status");
  page.classList.add("scripted");
  let current = null;

  const decoded = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  // The same 16-bit WAV with its samples multiplied, as a blob of this page. The noise floor in
  // it, if any, stays as it is.
  const amplified = (source, gain, floor) => {
    const bytes = decoded(source.split(",")[1]);
    const view = new DataView(bytes.buffer);
    const noise = floor && new DataView(decoded(floor).buffer);
    for (let at = 44; at + 1 < bytes.length; at += 2) {
      const still = noise ? noise.getInt16(at, true) : 0;
      const value = Math.round((view.getInt16(at, true) - still) * gain) + still;
      view.setInt16(at, Math.max(-32768, Math.min(32767, value)), true);
    }
    return URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
  };

  for (const row of rows) {
    const audio = row.querySelector("audio");
    const button = row.querySelector(".play");
    row.sources = { original: audio.src, gain: Number(row.dataset.gain) };
    audio.removeAttribute("controls");
    button.addEventListener("click", () => (audio.paused ? play(row, 0) : audio.pause()));
    audio.addEventListener("play", () => mark(row, true));
    for (const event of ["pause", "ended"]) audio.addEventListener(event, () => mark(row, false));
  }

  function play(row, at) {
    for (const other of rows) if (other !== row) other.querySelector("audio").pause();
    const audio = row.querySelector("audio");
    current = row;
    audio.currentTime = at;
    audio.play();
    requestAnimationFrame(follow);
  }

  function mark(row, playing) {
    row.classList.toggle("playing", playing);
    const name = row.querySelector(".name").textContent;
    row.querySelector(".play").setAttribute("aria-label", `${playing ? "Stop" : "Play"}: ${name}`);
    const part = together(row);
    part.classList.toggle("playback", part.querySelector("li.playing") !== null);
  }

  function follow() {
    const audio = current.querySelector("audio");
    for (const plot of together(current).querySelectorAll(".plot")) {
      const [left, right, seconds] = ["left", "right", "seconds"].map((k) => Number(plot.dataset[k]));
      const share = Math.min(1, audio.currentTime / seconds);
      plot.querySelector(".cursor").style.left = `${100 * (left + share * (right - left))}%`;
    }
    if (!audio.paused) requestAnimationFrame(follow);
  }

  for (const plot of plots) {
    plot.addEventListener("click", (event) => {
      const box = plot.getBoundingClientRect();
      const [left, right, seconds] = ["left", "right", "seconds"].map((k) => Number(plot.dataset[k]));
      const share = ((event.clientX - box.left) / box.width - left) / (right - left);
      play(plot.closest("li") || current || rows[0], Math.max(0, Math.min(1, share)) * seconds);
    });
  }

  function match() {
    for (const row of rows) {
      const audio = row.querySelector("audio");
      audio.pause();
      const { original, gain } = row.sources;
      const { floor } = row.closest(".sounds").dataset;
      if (loudness.checked && gain !== 1) row.sources.matched ||= amplified(original, gain, floor);
      audio.src = loudness.checked && gain !== 1 ? row.sources.matched : original;
    }
    announce.textContent = loudness.checked ? "Players at equal loudness" : "Players at their own levels";
  }
  if (loudness) loudness.addEventListener("change", match);
  if (loudness && loudness.checked) match();
})();
