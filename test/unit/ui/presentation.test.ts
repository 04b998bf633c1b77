import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DomainState, parseUri } from 'libvirt';
import { runningFirst } from '../../../src/engine/connections/activity.ts';
import type { ConnectionStatus } from '../../../src/engine/connections/connectionStatus.ts';
import { backOffMs, isPassing } from '../../../src/engine/connections/connectionStatus.ts';
import { Receivers } from '../../../src/engine/connections/receivers.ts';
import { parseDomainDevices, rankCandidates } from '../../../src/link/index.ts';
import {
  type DomainFacts,
  presentConnection,
  presentDomain,
  presentLink,
  presentLinks,
  systemText,
  type Welcome,
  welcomeFor,
} from '../../../src/ui/domains/domainPresentation.ts';
import { harmless } from '../../../src/ui/support/harmless.ts';
import { domainOf, said } from './samples.ts';

function facts(state: DomainState, more: Partial<DomainFacts> = {}): DomainFacts {
  return {
    domain: domainOf('web', state),
    connectionUri: 'qemu:///system',
    writable: true,
    current: true,
    receiver: 'unknown',
    ...more,
  };
}

function failed(code: string, wasConnected = false): ConnectionStatus {
  return { kind: 'failed', code, message: said('It failed.'), wasConnected, retrying: true };
}

describe('domain in the Domains view', () => {
  const states: [DomainState, string, string][] = [
    ['running', 'running · receiver unknown', 'domain running writable'],
    ['blocked', 'running · receiver unknown', 'domain running writable'],
    ['paused', 'paused', 'domain paused writable'],
    ['pmsuspended', 'asleep', 'domain paused writable'],
    ['shutdown', 'shutting down', 'domain stopping writable'],
    ['shutoff', 'shut off', 'domain off writable'],
    ['crashed', 'crashed', 'domain off writable'],
    ['nostate', 'state unknown · receiver unknown', 'domain running writable'],
  ];
  for (const [state, description, contextValue] of states) {
    it(`a domain in libvirt's state "${state}" is shown as "${description}"`, () => {
      const shown = presentDomain(facts(state));
      assert.deepEqual([shown.description, shown.contextValue], [description, contextValue]);
    });
  }

  it('a running domain shows its guest system and receiver, if known', () => {
    const shown = presentDomain(facts('running', { osId: 'http://debian.org/debian/12', receiver: 'ready' }));
    assert.equal(shown.description, 'running · Debian 12 · receiver ready');
    assert.equal(shown.accessibleLabel, 'Domain web, running, Debian 12, receiver ready');
    assert.match(presentDomain(facts('running')).tooltip, /receiver unknown/);
    assert.doesNotMatch(presentDomain(facts('shutoff', { receiver: 'ready' })).description, /receiver/);
  });

  it("the icon alone tells a running domain's receiver and every other state apart", () => {
    const icons = [
      presentDomain(facts('running', { receiver: 'ready' })),
      presentDomain(facts('running', { receiver: 'silent' })),
      presentDomain(facts('running', { receiver: 'unknown' })),
      presentDomain(facts('paused', { receiver: 'ready' })),
      presentDomain(facts('shutdown')),
      presentDomain(facts('shutoff', { receiver: 'ready' })),
      presentDomain(facts('crashed')),
    ].map(({ icon }) => icon.id);
    assert.equal(new Set(icons).size, icons.length, icons.join(' '));
    assert.deepEqual(
      presentDomain(facts('blocked', { receiver: 'ready' })).icon,
      presentDomain(facts('running', { receiver: 'ready' })).icon,
    );
  });

  it('running domains come first, each group in the order it had', () => {
    const domains = [
      domainOf('a', 'shutoff'),
      domainOf('b', 'paused'),
      domainOf('c'),
      domainOf('d', 'crashed'),
      domainOf('e', 'blocked'),
      domainOf('f', 'shutdown'),
    ];
    assert.equal(
      runningFirst(domains)
        .map(({ name }) => name)
        .join(''),
      'cebfad',
    );
  });

  it("a domain's links are counted, once they have been read", () => {
    const devices = parseDomainDevices(
      '<domain><devices><serial type="pty"><target port="0"/><alias name="serial0"/></serial></devices></domain>',
    );
    assert.equal(presentLinks('web', undefined).description, '');
    const shown = presentLinks('web', rankCandidates(devices));
    assert.equal(shown.description, '1');
    assert.equal(shown.accessibleLabel, 'Serial ports, consoles and virtio channels of web, 1');
  });

  it('a domain of a read-only or lost connection offers no actions', () => {
    assert.equal(
      presentDomain(facts('running', { writable: false })).contextValue,
      'domain running readonly',
    );
    const lost = presentDomain(facts('running', { current: false }));
    assert.equal(lost.contextValue, 'domain running readonly');
    assert.equal(lost.description, 'last seen running');
  });

  it("a domain's name is made harmless in every text", () => {
    const domain = { ...domainOf('x'), name: '\u001b[31m$(trash)\n[run](command:x)\u202e' };
    const { label, tooltip, accessibleLabel } = presentDomain({ ...facts('running'), domain });
    for (const text of [label, tooltip, accessibleLabel]) {
      for (const part of ['\u001b', '\u202e', '$(', '](']) assert.ok(!text.includes(part), text);
    }
    assert.doesNotMatch(label, /\n/);
  });

  it("a guest system is named by libosinfo's id, else by the receiver", () => {
    assert.equal(systemText('http://microsoft.com/win/10', undefined), 'Windows 10');
    assert.equal(systemText(undefined, 'linux'), 'Linux');
    assert.equal(systemText('nonsense', undefined), '');
  });
});

describe('connection in the Domains view', () => {
  const show = (status: ConnectionStatus, domainCount = 0) =>
    presentConnection({ uri: 'qemu:///system', status, domainCount });

  it('a connection shows its state and number of domains', () => {
    assert.equal(show({ kind: 'connected', readOnly: false }, 1).description, '1 domain');
    assert.equal(show({ kind: 'connected', readOnly: true }, 2).description, '2 domains · read-only');
    assert.equal(show({ kind: 'connecting' }).description, 'connecting…');
    assert.equal(show(failed('no-socket')).description, 'not connected');
    assert.equal(show(failed('connection-lost', true)).description, 'connection lost, reconnecting…');
    assert.match(show(failed('no-socket')).tooltip, /"It failed\."$/);
  });

  it('a connection shows its state before the parameters of its URI', () => {
    const uri = 'qemu:///session?socket=/run/user/1000/libvirt/libvirt-sock';
    const shown = presentConnection({ uri, status: { kind: 'connected', readOnly: false }, domainCount: 1 });
    assert.equal(shown.label, 'qemu:///session');
    assert.equal(shown.description, '1 domain · socket=/run/user/1000/libvirt/libvirt-sock');
    assert.ok(shown.accessibleLabel.includes(uri));
  });

  it('a connection is called what stands behind the # of its URI, if anything does', () => {
    const uri = 'qemu:///session?socket=/run/user/1000/libvirt/libvirt-sock#Demo $(x)';
    const shown = presentConnection({ uri, status: { kind: 'connected', readOnly: false }, domainCount: 1 });
    assert.equal(shown.label, harmless('Demo $(x)'));
    assert.match(shown.description, /^1 domain · qemu:\/\/\/session\?socket=/);
    assert.ok(shown.tooltip.startsWith(harmless(uri)));
    assert.equal(parseUri(uri).parameters.get('socket'), '/run/user/1000/libvirt/libvirt-sock');
    assert.equal(parseUri(uri).remoteName, 'qemu:///session');
  });

  it("reconnecting waits longer each time, and isn't tried where it can't help", () => {
    assert.deepEqual([1, 2, 3, 20].map(backOffMs), [500, 1000, 2000, 15_000]);
    assert.ok(isPassing('no-socket') && !isPassing('denied') && !isPassing('bad-uri'));
  });
});

describe('welcome text of the Domains view', () => {
  const cases: [string, Parameters<typeof welcomeFor>[0], Welcome][] = [
    ['no connection configured', [], 'no-connection'],
    ['no daemon', [{ status: failed('no-socket'), domainCount: 0 }], 'no-socket'],
    ['no permission for the socket', [{ status: failed('access-denied'), domainCount: 0 }], 'denied'],
    ['access refused by polkit', [{ status: failed('auth-failed'), domainCount: 0 }], 'denied'],
    ['no domain', [{ status: { kind: 'connected', readOnly: false }, domainCount: 0 }], 'no-domain'],
    ['a domain', [{ status: { kind: 'connected', readOnly: false }, domainCount: 1 }], ''],
    ['a connection still connecting', [{ status: { kind: 'connecting' }, domainCount: 0 }], ''],
    ['a connection lost after it worked', [{ status: failed('connection-lost', true), domainCount: 1 }], ''],
    ['several broken connections', Array(2).fill({ status: failed('no-socket'), domainCount: 0 }), ''],
  ];
  for (const [what, connections, welcome] of cases) {
    it(`welcome text with ${what}: ${welcome || 'none'}`, () =>
      assert.equal(welcomeFor(connections), welcome));
  }

  it('there is none beside the note that another connection was taken', () => {
    const empty = { status: { kind: 'connected', readOnly: false }, domainCount: 0 } as const;
    assert.equal(welcomeFor([empty], true), '');
  });
});

describe('state of receivers', () => {
  const xml = (state: string, serials = '') =>
    `<domain><devices>${serials}<channel type="unix"><target type="virtio" name="org.guestwire.0" state="${state}"/></channel></devices></domain>`;
  const details = (text: string) => {
    const devices = parseDomainDevices(text);
    return { devices, candidates: rankCandidates(devices) };
  };

  it("a receiver's state is that of the last handshake, until the domain stops", () => {
    const receivers = new Receivers();
    const changes: string[] = [];
    receivers.changes.on(key => changes.push(key));
    assert.equal(receivers.state('k'), 'unknown');
    receivers.silent('k');
    assert.equal(receivers.state('k', details(xml('connected'))), 'silent');
    receivers.answered('k', 'linux');
    assert.equal(receivers.state('k'), 'ready');
    receivers.forget('k');
    assert.equal(receivers.state('k'), 'unknown');
    assert.equal(receivers.system('k'), 'linux');
    assert.deepEqual(changes, ['k', 'k', 'k']);
  });

  it('silent receivers become unknown again on a refresh', () => {
    const receivers = new Receivers();
    receivers.silent('a');
    receivers.answered('b', 'linux');
    receivers.forgetSilent();
    assert.deepEqual([receivers.state('a'), receivers.state('b')], ['unknown', 'ready']);
  });

  it("without a handshake, the channel's state tells whether a receiver runs", () => {
    const receivers = new Receivers();
    assert.equal(receivers.state('k', details(xml('connected'))), 'ready');
    assert.equal(receivers.state('k', details(xml('disconnected'))), 'silent');
    const serials =
      '<serial type="pty"><target port="0"/></serial><serial type="pty"><target port="1"/></serial>';
    assert.equal(receivers.state('k', details(xml('disconnected', serials))), 'unknown');
  });
});

describe('link in the Domains view', () => {
  it("a link shows why it would or wouldn't be used", () => {
    const xml =
      '<domain><devices><serial type="pty"><target type="isa-serial" port="0"/></serial></devices></domain>';
    const [candidate] = rankCandidates(parseDomainDevices(xml));
    assert.ok(candidate);
    const shown = presentLink(candidate);
    assert.equal(shown.contextValue, 'link named-only');
    assert.match(shown.description, /login/);
  });
});

describe('harmless text', () => {
  it('ordinary text is kept unchanged', () =>
    assert.equal(harmless('Übung [1] (2) $x 日本'), 'Übung [1] (2) $x 日本'));
});
