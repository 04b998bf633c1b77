/** Part of the catalogue: what a file could not get or keep. {0} is its name, or how many there are. */
export const KEPT_ENGLISH = {
  'kept.many': '{0} files or folders',
  'kept.mode': "{0}: the guest's file system refused the permissions.",
  'kept.times': "{0}: the guest's file system refused the modification time.",
  'kept.owner': "{0}: belongs to the receiver's user, not to the owner of the old file or of the folder.",
  'kept.acl': '{0}: the access control list was lost.',
  'kept.xattr': '{0}: some extended attributes were lost.',
  'kept.in-place': "{0}: written in place, because it couldn't be replaced there.",
  'kept.links': '{0}: other hard links in the guest keep the old content.',
  'kept.other': '{0}: not everything was kept ({1}).',
} as const satisfies Readonly<Record<string, string>>;
