/** How much is measured. */
export interface Scale {
  repeats: number;
  /** Of the paper's experiment, which took the mean of ten. */
  paperRepeats: number;
  /** Of cases whose single copy takes long, and of slow ways beside which others get more. */
  fewRepeats: number;
  serialBytes: number;
  consoleBytes: number;
  channelBytes: number;
  agentBytes: number;
  compressionBytes: Record<'isa-serial' | 'virtio console' | 'virtio channel', number>;
  deltaBytes: number;
  treeFiles: number;
  sizes: number[];
  guests: number[];
  fanOutBytes: number;
  laneBytes: number;
}

const MB = 1_000_000;

export const fullScale: Scale = {
  repeats: 5,
  paperRepeats: 10,
  fewRepeats: 3,
  serialBytes: MB,
  consoleBytes: 16 * MB,
  channelBytes: 1_000 * MB,
  agentBytes: 48 * MB,
  compressionBytes: { 'isa-serial': 0.3 * MB, 'virtio console': 16 * MB, 'virtio channel': 64 * MB },
  deltaBytes: 64 * MB,
  treeFiles: 5_000,
  sizes: [1, 4, 16, 64, 256, 1_000].map(size => size * MB),
  guests: [1, 2, 4, 8],
  fanOutBytes: 64 * MB,
  laneBytes: 0.5 * MB,
};

/** A few minutes: shows that everything works and roughly what comes out. */
export const quickScale: Scale = {
  repeats: 2,
  paperRepeats: 2,
  fewRepeats: 1,
  serialBytes: 0.1 * MB,
  consoleBytes: 2 * MB,
  channelBytes: 64 * MB,
  agentBytes: 4 * MB,
  compressionBytes: { 'isa-serial': 0.1 * MB, 'virtio console': 2 * MB, 'virtio channel': 16 * MB },
  deltaBytes: 8 * MB,
  treeFiles: 500,
  sizes: [1, 4, 16, 64].map(size => size * MB),
  guests: [1, 2],
  fanOutBytes: 8 * MB,
  laneBytes: 0.1 * MB,
};
