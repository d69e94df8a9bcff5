// Rules that the pages keep: they work under `default-src 'self'` and their parts exist.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import test from "node:test";

const WEB = new URL("../../../signaling/web/", import.meta.url);
const read = (name) => readFileSync(new URL(name, WEB), "utf8");
/** Our own files. What `make` puts into lib/ is others' work. */
const names = readdirSync(WEB, { withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => name);
const named = (suffix) => names.filter((name) => name.endsWith(suffix));
const ids = (html) => new Set([...html.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id));

test("no page has inline script, inline style or an event attribute", () => {
  assert.ok(named(".html").length >= 3);
  for (const name of named(".html")) {
    const html = read(name);
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i, name);
  }
});

test("nothing is loaded from another host", () => {
  for (const name of names) {
    const text = read(name).replaceAll("http://www.w3.org/2000/svg", "");
    assert.doesNotMatch(text, /https?:\/\//, name);
  }
});

test("every file and icon that a page or module names exists", () => {
  const icons = new Map(named("icons.svg").map((sheet) => [sheet, ids(read(sheet))]));
  for (const name of [...named(".html"), ...named(".js")]) {
    const text = read(name);
    for (const [, path] of text.matchAll(/["`(]\/static\/(?!lib\/)([\w.-]+)/g)) {
      assert.ok(existsSync(new URL(path, WEB)), `${name}: ${path}`);
    }
    for (const [, sheet, icon] of text.matchAll(/\/(\w*icons\.svg)#(\w+)/g)) assert.ok(icons.get(sheet)?.has(icon), `${name}: ${icon}`);
    for (const [, icon] of text.matchAll(/"vodicons#(\w+)"/g)) assert.ok(icons.get("vodicons.svg").has(icon), `${name}: ${icon}`);
    for (const [, path] of text.matchAll(/(?:from |import\()"\.\/([^"]+)"/g)) {
      assert.ok(existsSync(new URL(path, WEB)), `${name}: ${path}`);
    }
  }
});

test("every element a page's modules ask for by id is there once", () => {
  const modules = {
    "watch.html": ["watch.js", "controls.js", "menu.js", "panel.js", "seekbar.js", "watchchat.js"],
    "studio.html": ["studio.js", "studiochat.js", "studiodevice.js", "studiomarker.js", "studiovods.js"],
    "vod.html": ["vod.js", "vodbar.js", "vodcontrols.js"],
    "channel.html": ["channel.js"],
    "clip.html": ["clip.js"],
    "index.html": ["index.js"],
  };
  for (const [page, scripts] of Object.entries(modules)) {
    const html = read(page);
    const all = [...html.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    assert.equal(new Set(all).size, all.length, `${page} repeats an id`);
    for (const script of scripts) {
      for (const [, id] of read(script).matchAll(/\b(?:at|getElementById|put|icon)\("([^"]+)"/g)) {
        assert.ok(all.includes(id), `${script} asks ${page} for #${id}`);
      }
    }
  }
});

test("every button says what it does", () => {
  for (const name of named(".html")) {
    for (const [tag, attributes, inside] of read(name).matchAll(/<button([^>]*)>(.*?)<\/button>/gs)) {
      const words = inside.replace(/<[^>]+>/g, "").trim();
      assert.ok(/aria-label="[^"]+"/.test(attributes) || words, `${name}: ${tag.slice(0, 60)}`);
    }
  }
});

test("every field says what it is", () => {
  for (const name of named(".html")) {
    const html = read(name);
    for (const [tag] of html.matchAll(/<(?:input|select|textarea)\b[^>]*>/g)) {
      const id = /\bid="([^"]+)"/.exec(tag)?.[1];
      const before = html.slice(0, html.indexOf(tag));
      const wrapped = before.lastIndexOf("<label") > before.lastIndexOf("</label");
      assert.ok(/aria-label="[^"]+"/.test(tag) || wrapped || html.includes(`for="${id}"`), `${name}: ${tag}`);
    }
  }
});

test("what make puts into lib/ is what the pages ask for", () => {
  const makefile = readFileSync(new URL("../../Makefile", WEB), "utf8");
  for (const name of named(".js")) {
    for (const [, path] of read(name).matchAll(/"\/static\/(lib\/[\w.-]+)"/g)) {
      assert.ok(makefile.includes(`signaling/web/${path}`), `${name}: ${path}`);
    }
  }
});

test("texts of strangers never become markup", () => {
  for (const name of named(".js")) {
    assert.doesNotMatch(read(name), /innerHTML|outerHTML|insertAdjacentHTML|document\.write/, name);
  }
});
