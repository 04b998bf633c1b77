/**
 * A guest of one boot sector: it echoes its first serial port (polled, no interrupts of the port), and after a
 * byte 0xff floods it with counted bytes 0x00, 0x01 … for ever. No kernel, no disk but the sector on a floppy.
 */
const machineCode = [
  'ba fb 03', //     mov dx, 0x3fb    line control of COM1
  'b0 03', //        mov al, 3        8 bits, no parity, 1 stop bit
  'ee', //           out dx, al
  'ba fa 03', //     mov dx, 0x3fa    FIFO control
  'b0 c7', //        mov al, 0xc7     on, emptied, trigger at 14 of 16
  'ee', //           out dx, al
  '31 c9', // poll:  xor cx, cx       65,536 looks before it sleeps
  'ba fd 03', // look: mov dx, 0x3fd  line status
  'ec', //           in al, dx
  'a8 01', //        test al, 1       a byte has come?
  '75 06', //        jne read
  'e2 f6', //        loop look
  'fb', //           sti
  'f4', //           hlt              until the clock's next tick, at most 55 ms
  'eb f0', //        jmp poll
  'ba f8 03', // read: mov dx, 0x3f8
  'ec', //           in al, dx
  '88 c3', //        mov bl, al
  'e8 0c 00', //     call send
  '80 fb ff', //     cmp bl, 0xff
  '75 e2', //        jne poll
  'fe c3', // flood: inc bl
  'e8 02 00', //     call send
  'eb f9', //        jmp flood
  'ba fd 03', // send: mov dx, 0x3fd
  'ec', // full:     in al, dx
  'a8 20', //        test al, 0x20    room to send?
  '74 fb', //        je full
  'ba f8 03', //     mov dx, 0x3f8
  '88 d8', //        mov al, bl
  'ee', //           out dx, al
  'c3', //           ret
];

/** A floppy's image of 1.44 MB with the guest in its boot sector. */
export function echoGuestFloppy(): Buffer {
  const image = Buffer.alloc(1_474_560);
  Buffer.from(machineCode.join('').replaceAll(' ', ''), 'hex').copy(image);
  image.writeUInt16LE(0xaa55, 510); // the BIOS boots no sector without this mark
  return image;
}
