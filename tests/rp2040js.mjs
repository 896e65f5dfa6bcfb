// Boots a UF2 file in rp2040js and checks that it greets on its UART and answers bytes with their successors:
//     node rp2040js.mjs FILE.uf2      in a folder where npm has installed rp2040js
import { readFileSync } from "fs";
import { createRequire } from "module";

const { Simulator } = createRequire(process.cwd() + "/")("rp2040js");
const simulator = new Simulator();
const chip = simulator.rp2040;
const blocks = readFileSync(process.argv[2]);
for (let at = 0; at < blocks.length; at += 512) {
  const [address, bytes] = [blocks.readUInt32LE(at + 12), blocks.readUInt32LE(at + 16)];
  chip.flash.set(blocks.subarray(at + 32, at + 32 + bytes), address - 0x10000000);
}
// The boot ROM, which rp2040js comes without, copies the second stage to the end of the RAM, and calls it.
const stage = 0x20041f00;
blocks.subarray(32, 32 + 256).forEach((byte, at) => chip.writeUint8(stage + at, byte));
chip.core.SP = stage;
chip.core.PC = stage;

let heard = "";
chip.uart[0].onByte = (byte) => {
  heard += String.fromCharCode(byte);
  if (heard === "ready\n") {
    [..."abc"].forEach((letter) => chip.uart[0].feedByte(letter.charCodeAt(0)));
  }
  if (heard.length >= 9) {
    process.exit(heard === "ready\nbcd" ? 0 : 1);
  }
};
simulator.execute();
setTimeout(() => process.exit(2), 20000);
