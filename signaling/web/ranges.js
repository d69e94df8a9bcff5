// Which numbers of a room's log are here: disjoint ranges of whole numbers, in order. Pure.

export class Ranges {
  #list = []; // [first, last], ascending, never touching

  add(first, last) {
    if (first > last) return;
    const before = this.#list.filter((range) => range[1] < first - 1);
    const after = this.#list.filter((range) => range[0] > last + 1);
    const touched = this.#list.slice(before.length, this.#list.length - after.length);
    const low = Math.min(first, touched[0]?.[0] ?? first);
    const high = Math.max(last, touched.at(-1)?.[1] ?? last);
    this.#list = [...before, [low, high], ...after];
  }

  remove(first, last) {
    this.#list = this.#list.flatMap(([low, high]) =>
      [[low, Math.min(high, first - 1)], [Math.max(low, last + 1), high]].filter(([a, b]) => a <= b),
    );
  }

  has(number) {
    return this.meets(number, number);
  }

  /** Whether any of these numbers is here. */
  meets(first, last) {
    return this.#list.some(([low, high]) => low <= last && first <= high);
  }

  /** The last number of the run that begins at `number`; `number - 1` where it is not here. */
  endOf(number) {
    return this.#list.find(([low, high]) => low <= number && number <= high)?.[1] ?? number - 1;
  }
}
