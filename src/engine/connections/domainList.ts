import type { ListedDomain } from 'libvirt';

const byName = new Intl.Collator(undefined, { numeric: true });

/** The domains of one connection, by name; built for thousands. */
export class DomainList {
  readonly #domains = new Map<string, ListedDomain>();
  #sorted: readonly ListedDomain[] | undefined;

  get sorted(): readonly ListedDomain[] {
    this.#sorted ??= [...this.#domains.values()].sort(
      (a, b) => byName.compare(a.name, b.name) || (a.uuid < b.uuid ? -1 : 1),
    );
    return this.#sorted;
  }

  get size(): number {
    return this.#domains.size;
  }

  get(uuid: string): ListedDomain | undefined {
    return this.#domains.get(uuid);
  }

  /** @returns what somebody who shows the list has to draw anew. */
  set(domain: ListedDomain): 'list' | 'domain' | 'nothing' {
    const old = this.#domains.get(domain.uuid);
    this.#domains.set(domain.uuid, domain);
    if (old?.name !== domain.name) {
      this.#sorted = undefined;
      return 'list';
    }
    // Its place is the same: sorting thousands anew for each event would be felt.
    this.#sorted = this.#sorted?.map(one => (one === old ? domain : one));
    return old.state === domain.state && old.id === domain.id ? 'nothing' : 'domain';
  }

  delete(uuid: string): 'list' | 'nothing' {
    if (!this.#domains.delete(uuid)) return 'nothing';
    this.#sorted = undefined;
    return 'list';
  }

  replace(domains: readonly ListedDomain[]): void {
    this.#domains.clear();
    for (const domain of domains) this.#domains.set(domain.uuid, domain);
    this.#sorted = undefined;
  }
}
