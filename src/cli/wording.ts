import type { MessageId } from '../engine/messages/english.ts';
import { fillIn, type Message, render } from '../engine/messages/message.ts';
import { printable } from '../text/printable.ts';

/** What com-dd's user can do about it, behind the message. */
const HINTS: Readonly<Partial<Record<MessageId, string>>> = {
  'copy.unexpected': 'Run it again with NODE_DEBUG=guestwire for details.',
  'domain.none': '"com-dd --list" shows the domains.',
  'file.just-made': 'Or use --conflict skip or rename.',
  'file.exists': 'Use --conflict overwrite, skip, newer or rename.',
  'note.channel-is-faster':
    "Add one with \"virsh attach-device\" and <channel type='unix'><target type='virtio' name='org.guestwire.0'/></channel>.",
};

/** A message of the engine in English, safe to print. */
export function worded(message: Message): string {
  const text = render(message, { translate: fillIn, neutralize: printable });
  const hint = hintOf(message);
  return hint === undefined ? text : `${text} ${hint}`;
}

/** Also of a message within it, such as that about the first of many files. */
function hintOf({ id, values }: Message): string | undefined {
  if (HINTS[id] !== undefined) return HINTS[id];
  const inner = values.filter(value => typeof value === 'object');
  return inner.map(hintOf).find(hint => hint !== undefined);
}
