// What the player remembers in this browser, such as how the viewer wants the stream to come.

const KEY = "sluice.transport";

/** What was remembered under this name, or null. */
export function recall(name, storage = localStorageOrNull()) {
  try {
    return storage?.getItem(name) ?? null;
  } catch {
    return null; // a browser that keeps nothing for us
  }
}

/** Remember a value; null forgets it. */
export function remember(name, value, storage = localStorageOrNull()) {
  try {
    if (value === null) storage?.removeItem(name);
    else storage?.setItem(name, value);
  } catch {
    // It holds for this page, then.
  }
}

/** The remembered wish if it is one of `known`, else null. */
export function rememberedWish(known, storage = localStorageOrNull()) {
  const wish = recall(KEY, storage);
  return known.includes(wish) ? wish : null;
}

/** Remember a wish; null forgets it. */
export function rememberWish(wish, storage = localStorageOrNull()) {
  remember(KEY, wish, storage);
}

/** Reading the property alone throws where storage is forbidden. */
function localStorageOrNull() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
