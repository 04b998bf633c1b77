// Everybody's first failure: there is no receiver yet. What VS Code says then, and when it offers to install one.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeError } from '../../../src/engine/messages/describeError.ts';
import { message } from '../../../src/engine/messages/message.ts';
import { lacksReceiver } from '../../../src/engine/transfers/transfer.ts';
import { LinkError } from '../../../src/link/index.ts';
import { localized } from '../../../src/ui/support/l10n.ts';
import { link, said } from './samples.ts';

describe('a copy into a guest without a receiver', () => {
  const silent = { link, outcome: 'silent' } as const;

  it("isn't told to start a file that the user of VS Code has never seen", () => {
    const inDomain = new LinkError('no-receiver', '', {
      domain: 'web',
      osFamily: 'unknown',
      attempts: [silent],
    });
    const onPort = new LinkError('no-receiver', '', { osFamily: 'windows', attempts: [silent] });
    assert.equal(
      localized(describeError(inDomain)),
      'No receiver answered in domain "web" on its virtio channel org.guestwire.0.',
    );
    const attempts = [{ link, outcome: 'login' } as const];
    const occupied = new LinkError('no-receiver', '', { domain: 'web', osFamily: 'unknown', attempts });
    const occupiedPort = new LinkError('no-receiver', '', { osFamily: 'unknown', attempts });
    assert.match(localized(describeError(occupied)), /a login waits there/);
    for (const error of [
      inDomain,
      onPort,
      occupied,
      occupiedPort,
      new LinkError('no-receiver', '', { attempts: [] }),
    ]) {
      const text = localized(describeError(error, { domain: 'web' }));
      assert.match(text, /^No receiver answered /);
      assert.doesNotMatch(text, /receiver\.|python|\{\d\}/);
    }
  });

  it("names in VS Code's own words are made harmless as well", () => {
    const text = localized(message('link.no-receiver', '$(trash)', said('x'), 'python3 receiver.py'));
    assert.ok(!text.includes('$('), text);
  });

  it('is offered a receiver, and no other failure is', () => {
    const failedWith = (code: string) =>
      ({ state: 'failed', error: { code, message: said('No.') } }) as const;
    assert.ok(lacksReceiver(failedWith('no-receiver')));
    assert.ok(lacksReceiver(failedWith('no-link')));
    assert.ok(!lacksReceiver(failedWith('lost')));
    assert.ok(!lacksReceiver({ ...failedWith('no-receiver'), state: 'running' }));
    assert.ok(!lacksReceiver({ state: 'failed' }));
  });
});
