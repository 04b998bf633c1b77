export interface BootstrapFacts {
  /** Length of the base64 text that will follow. */
  readonly textLength: number;
  /** How much of it is sent before the guest has answered. */
  readonly chunkLength: number;
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
  /** Hexadecimal; tells this run's answers from everything else on the console. */
  readonly nonce: string;
  /** Whether to start the receiver afterwards. */
  readonly start: boolean;
}

/** Where the receiver goes, below the home of whoever is logged in. */
export const RECEIVER_PATH = '~/guestwire-receiver.py';

/** What an answer of the bootstrap begins with. The typed line holds the two parts apart, so its echo is no answer. */
export function answerMark(nonce: string): string {
  return `gw-${nonce}`;
}

/** Takes so many bytes from the terminal, and says after each chunk how far it is: the terminal's buffer has 4095 bytes. */
const TAKE = `def take(n,c):
 b=b""
 i=0
 while len(b)<n:
  if not select.select([0],[],[],20)[0]:
   raise OSError("no data came")
  b+=os.read(0,4096)
  while i<n and len(b)>=min(n,i+c):
   i+=c
   say("got",min(n,i))
 return b
`;

/** Puts the file in place if it reads back as what was sent. */
const STORE = `def store(d,p,w):
 q=p+".part"
 with open(q,"wb") as f:
  f.write(d)
  f.flush()
  os.fsync(f.fileno())
 with open(q,"rb") as f:
  s=hashlib.sha256(f.read()).hexdigest()
 if s==w:
  os.replace(q,p)
 say("hash",s)
`;

/** Starts the receiver, and says whether it still runs after some seconds. */
const START = `def start(p):
 l=open(p+".log","wb")
 c=u.Popen([sys.executable,p],stdin=u.DEVNULL,stdout=l,stderr=l,start_new_session=True)
 try:
  c.wait(4)
  say("ended",open(p+".log").read()[-300:].split(chr(10))[-2:][0])
 except u.TimeoutExpired:
  say("runs",c.pid)
`;

/**
 * Python ≥ 3.6 that takes a file from its own terminal. Echo and line editing are off meanwhile, because an editing
 * shell takes 20 kB/s and a canonical line no more than 4095 bytes; Ctrl-C still works. The file is hashed as read back,
 * before it gets its name.
 */
function program({ textLength, chunkLength, sha256, nonce, start }: BootstrapFacts): string {
  return `import sys,os,select,termios,tty,base64,zlib,hashlib,subprocess as u
def say(*w):
 print("gw-"+"${nonce}",*w,flush=True)
${TAKE}${STORE}${start ? START : ''}a=termios.tcgetattr(0)
p=os.path.expanduser("${RECEIVER_PATH}")
try:
 tty.setcbreak(0)
 say("ready")
 store(zlib.decompress(base64.b64decode(take(${textLength},${chunkLength}))),p,"${sha256}")
${start ? ' start(p)\n' : ''}except BaseException as e:
 say("failed",type(e).__name__,e)
finally:
 termios.tcsetattr(0,termios.TCSADRAIN,a)
say("end")
`;
}

/**
 * What is typed into a shell, without its Enter: a short line, for busybox edits no more than 1023 characters (255 in small
 * builds), and others edit slowly. It answers `line` when it waits for the next one. No single quote, backslash or
 * exclamation mark may stand within it: shells have their own ideas of them. The leading blank keeps it out of the
 * history of shells that are set so.
 */
export function shellLine(nonce: string): string {
  return ` python3 -c 'print("gw-"+"${nonce}","line",flush=True);exec(input())'`;
}

/** What that Python runs: a line for its `input()`, which takes up to 4095 bytes. */
export function pythonLine(facts: BootstrapFacts): string {
  return `exec(${JSON.stringify(program(facts))})`;
}
