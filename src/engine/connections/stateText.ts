import type { DomainState } from 'libvirt';
import { l10n } from '../support/l10n.ts';

export function stateText(state: DomainState): string {
  switch (state) {
    case 'running':
    case 'blocked':
      return l10n.t('running');
    case 'paused':
      return l10n.t('paused');
    case 'shutdown':
      return l10n.t('shutting down');
    case 'shutoff':
      return l10n.t('shut off');
    case 'crashed':
      return l10n.t('crashed');
    case 'pmsuspended':
      return l10n.t('asleep');
    case 'nostate':
      return l10n.t('state unknown');
  }
}
