/** The part of the catalogue (english.ts) that is about single files. */
export const FILE_ENGLISH = {
  // One file: {0} is the source, {1} the destination unless it comes first.
  'file.ENOENT': '"{0}" doesn\'t exist on this computer. Check its name.',
  'file.EACCES': 'You don\'t have permission to read "{0}".',
  'file.EISDIR': '"{0}" is a folder and can\'t be read as a file.',
  'file.ENOTDIR': '"{0}" doesn\'t exist: a part of its path is not a folder.',
  'file.ELOOP': '"{0}" can\'t be read: its symbolic links lead in a circle.',
  'file.ENAMETOOLONG': 'The name "{0}" is too long for this computer.',
  'file.EMFILE': '"{0}" can\'t be opened: this computer has too many files open.',
  'file.EIO': '"{0}" can\'t be read: its disk reports an error.',
  'file.source-special': '"{0}" is not a file or folder, so it can\'t be copied.',
  'file.outside-root': '"{0}" is outside the folder the receiver can write to. Choose a path inside it.',
  'file.outside-named-root':
    '"{0}" is outside "{1}", the folder the receiver can write to. Choose a path inside it.',
  'file.read-only': '"{0}" was not written: the receiver in the guest runs in read-only mode.',
  'file.read-only-filesystem': '"{0}" can\'t be written: that file system of the guest is mounted read-only.',
  'file.no-directory':
    '"{0}" can\'t be written: there is no such folder in the guest. Create it there or choose another folder.',
  'file.not-a-directory': '"{0}" can\'t be written: a part of that path is not a folder in the guest.',
  'file.is-directory': '"{0}" is a folder in the guest, and a file can\'t replace it. Choose another name.',
  'file.is-symlink':
    '"{0}" is a symbolic link in the guest and won\'t be replaced. Choose another name, or remove the link there.',
  'file.is-special': '"{0}" is a device or socket in the guest and can\'t take a file. Choose another name.',
  'file.exists': '"{0}" exists in the guest with other content.',
  'file.just-made':
    '"{0}" was not copied: this copy has already put something else at "{1}". Copy it by itself to another folder.',
  'file.not-found': '"{0}" is gone from the guest.',
  'file.permission': '"{0}" can\'t be written: the receiver\'s user has no permission for it in the guest.',
  'file.permission-of':
    '"{0}" can\'t be written: the receiver\'s user "{1}" has no permission for it in the guest.',
  'file.no-space': '"{0}" was not written: the guest\'s disk is full. Make room there.',
  'file.no-inodes':
    '"{0}" was not written: the guest\'s file system has no inode left, whatever room there is. Remove some files there.',
  'file.quota': '"{0}" was not written: the receiver\'s user is over its disk quota in the guest.',
  'file.too-large': '"{0}" is too large for the guest\'s file system at "{1}".',
  'file.name-too-long': 'The name "{0}" is too long for the guest.',
  'file.bad-name': 'The guest\'s file system doesn\'t accept the name "{0}".',
  'file.sharing': '"{0}" can\'t be written: another program in the guest has it open.',
  'file.source-changed':
    '"{0}" kept changing while it was copied, so the guest keeps what it had. Copy it again when no program writes to it.',
  'file.size-mismatch': '"{0}" changed while it was copied, and nothing was kept. Copy it again.',
  'file.damaged': '"{0}" did not arrive whole at "{1}", and nothing was kept. Copy it again.',
  'file.basis-changed': '"{0}" changed in the guest while it was being replaced. Copy it again.',
  'file.cancelled': '"{0}" was not copied: the copy was cancelled.',
  'file.defect':
    'The receiver in the guest couldn\'t handle the request for "{0}". Install the receiver that came with Guestwire.',
  'file.lost': '"{0}" was not copied: the receiver in the guest stopped answering.',
  'file.closed': '"{0}" was not copied: the link to the guest was closed.',
  'file.reset': '"{0}" was not copied: the receiver in the guest was stopped or restarted.',
  'file.unverified': '"{0}" arrived, but the guest couldn\'t confirm its SHA-256.',
  'file.same-for-more': '{0} The same goes for {1} more files.',
  'file.failed': '"{0}" was not copied to "{1}" ({2}).',
  'file.refused': '"{0}" was not copied to "{1}": the guest reports "{2}" ({3}).',

  // What a file could not get or keep: {0} is its name, or how many there are.
  'kept.many': '{0} files or folders',
  'kept.mode': "{0}: the guest's file system refused the permissions.",
  'kept.times': "{0}: the guest's file system refused the modification time.",
  'kept.owner': "{0}: belongs to the receiver's user, not to the owner of the old file or of the folder.",
  'kept.acl': '{0}: the access control list was lost.',
  'kept.xattr': '{0}: some extended attributes were lost.',
  'kept.in-place': "{0}: written in place, because it couldn't be replaced there.",
  'kept.links': '{0}: other hard links in the guest keep the old content.',
  'kept.other': '{0}: not everything was kept ({1}).',

  // A file that was copied; {0} is the source.
  'file.grown':
    '"{0}" has grown since, and the guest has its first {1} bytes. Copy it again if you want the rest.',
  'file.grown-identical':
    '"{0}" has grown since, and the guest already had its first part. Copy it again if you want the rest.',
} as const satisfies Readonly<Record<string, string>>;
