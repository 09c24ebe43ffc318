#!/usr/bin/env node
"use strict";

// <define:BUNDLES>
var define_BUNDLES_default = { main: "main.js" };

// src/entry.ts
var import_node_fs = require("node:fs");
var import_node_module = require("node:module");
var import_node_os = require("node:os");
var import_node_path = require("node:path");
var import_node_vm = require("node:vm");
function cachePlaces(file) {
  const name = `${file}${"274a01c0e4be"}.${process.version}-${process.arch}`;
  const own = process.env["XDG_CACHE_HOME"] || (0, import_node_path.join)(process.env["HOME"] || (0, import_node_os.homedir)(), ".cache");
  return [(0, import_node_path.join)(__dirname, ".code-cache", name), (0, import_node_path.join)(own, "orchestrate", name)];
}
function readCache(place) {
  let descriptor;
  try {
    descriptor = (0, import_node_fs.openSync)(place, "r");
  } catch {
    return null;
  }
  try {
    const { uid, mode } = (0, import_node_fs.fstatSync)(descriptor);
    const isOurs = process.getuid === void 0 || uid === process.getuid() || uid === 0;
    return isOurs && (mode & 18) === 0 ? (0, import_node_fs.readFileSync)(descriptor) : null;
  } finally {
    (0, import_node_fs.closeSync)(descriptor);
  }
}
function compile(file, source) {
  for (const place of cachePlaces(file)) {
    const cachedData = readCache(place);
    if (cachedData === null) continue;
    const script = new import_node_vm.Script(source, { filename: (0, import_node_path.join)(__dirname, file), cachedData });
    return { script, cached: script.cachedDataRejected !== true };
  }
  return { script: new import_node_vm.Script(source, { filename: (0, import_node_path.join)(__dirname, file) }), cached: false };
}
function writeCache(file, script) {
  return cachePlaces(file).some((place) => {
    const temporary = `${place}.${process.pid}`;
    try {
      (0, import_node_fs.mkdirSync)((0, import_node_path.dirname)(place), { recursive: true, mode: 448 });
      (0, import_node_fs.writeFileSync)(temporary, script.createCachedData(), { mode: 384, flag: "wx" });
      (0, import_node_fs.renameSync)(temporary, place);
      return true;
    } catch {
      return false;
    }
  });
}
function run() {
  const asked = process.argv[2] ?? "";
  const file = define_BUNDLES_default[Object.hasOwn(define_BUNDLES_default, asked) ? asked : "main"] ?? "";
  const path = (0, import_node_path.join)(__dirname, file);
  const source = (0, import_node_fs.readFileSync)(path, "latin1");
  const { script, cached } = compile(file, source);
  if (!cached) process.once("exit", () => writeCache(file, script));
  const module2 = { exports: {} };
  const bundle = script.runInThisContext();
  bundle(module2.exports, (0, import_node_module.createRequire)(path), module2, path, __dirname);
}
run();
