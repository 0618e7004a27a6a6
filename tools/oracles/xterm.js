// Shows recordings to xterm.js: a JSON object in a line on stdin, the screens at each moment of comparison on stdout.
const { Terminal } = require("@xterm/headless");
const { Unicode11Addon } = require("@xterm/addon-unicode11");

async function show(recording) {
  const terminal = new Terminal({ rows: recording.rows, cols: recording.cols, allowProposedApi: true, scrollback: 5000 });
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = "11";
  const screens = [];
  for (const [kind, ...rest] of recording.events) {
    if (kind === "o") {
      await new Promise((done) => terminal.write(Buffer.from(rest[0], "latin1"), done));
    } else if (kind === "r") {
      terminal.resize(rest[1], rest[0]);
    } else {
      const buffer = terminal.buffer.active;
      const lines = [];
      for (let y = 0; y < terminal.rows; y++) {
        const line = buffer.getLine(buffer.baseY + y);
        lines.push(line ? line.translateToString(true) : "");
      }
      screens.push({ lines, cursor: [buffer.cursorY, buffer.cursorX] });
    }
  }
  return screens;
}

let text = "";
process.stdin.on("data", (data) => (text += data));
process.stdin.on("end", async () => {
  for (const line of text.split("\n").filter(Boolean)) {
    console.log(JSON.stringify(await show(JSON.parse(line))));
  }
});
