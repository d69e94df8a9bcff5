// What the player remembers in this browser: how the viewer wants the stream to come.

const KEY = "sluice.transport";

/** The remembered wish if it is one of `known`, else null. */
export function rememberedWish(known, storage = localStorageOrNull()) {
  try {
    const wish = storage?.getItem(KEY) ?? null;
    return known.includes(wish) ? wish : null;
  } catch {
    return null; // a browser that keeps nothing for us
  }
}

/** Remember a wish; null forgets it. */
export function rememberWish(wish, storage = localStorageOrNull()) {
  try {
    if (wish === null) storage?.removeItem(KEY);
    else storage?.setItem(KEY, wish);
  } catch {
    // It holds for this page, then.
  }
}

/** Reading the property alone throws where storage is forbidden. */
function localStorageOrNull() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
