"""The two halves of the reliable stream: alone, and over a line that loses."""

import random
import unittest

from support import SEED, parse, receiver

ACK, PONG, PING = receiver.ACK, receiver.PONG, receiver.PING


class Reader(unittest.TestCase):
    def setUp(self):
        self.reader = receiver.ReliableReader(16384, 4096)

    def test_takes_only_what_it_expects(self):
        self.assertTrue(self.reader.offer(0, 100, False))
        self.assertFalse(self.reader.offer(0, 100, False))
        self.assertFalse(self.reader.offer(2, 100, False))
        self.assertTrue(self.reader.offer(1, 100, False))
        self.assertEqual(self.reader.next, 2)

    def test_acknowledges_when_asked(self):
        self.reader.offer(0, 100, False)
        self.assertIsNone(self.reader.ack())
        self.reader.offer(1, 100, True)
        self.assertEqual(self.reader.ack(), (0, 2, 16384 - 200))
        self.assertIsNone(self.reader.ack())

    def test_acknowledges_a_repeated_frame(self):
        self.reader.offer(0, 100, False)
        self.reader.offer(0, 100, False)
        self.assertEqual(self.reader.ack()[:2], (0, 1))

    def test_acknowledges_a_quarter_of_the_window_once_it_is_free(self):
        self.reader.offer(0, 4096, False)
        self.assertIsNone(self.reader.ack())
        self.reader.give_back(4095)
        self.assertIsNone(self.reader.ack())
        self.reader.give_back(1)
        self.assertEqual(self.reader.ack(), (0, 1, 16384))

    def test_one_gap_per_loss(self):
        self.reader.offer(1, 100, False)
        self.assertEqual(self.reader.ack(), (1, 0, 16384))
        self.reader.offer(2, 100, False)
        self.assertIsNone(self.reader.ack())
        self.reader.offer(0, 100, False)
        self.reader.offer(2, 100, False)
        self.assertEqual(self.reader.ack()[:2], (1, 1))

    def test_what_is_held_comes_off_the_window(self):
        for number in range(5):
            self.reader.offer(number, 4124, True)
        self.assertEqual(self.reader.ack(), (0, 5, 0))
        self.reader.give_back(2 * 4124)
        self.assertEqual(self.reader.ack(), (0, 5, 16384 - 3 * 4124))

    def test_a_sender_that_ignores_the_window_is_not_taken(self):
        taken = sum(self.reader.offer(n, 4124, False) for n in range(100))
        self.assertLess(taken * 4124, 3 * 16384)
        self.reader.give_back(self.reader.held)
        self.assertTrue(self.reader.offer(taken, 4124, False))


class Sender(unittest.TestCase):
    def setUp(self):
        self.sender = receiver.ReliableSender(7, 300)

    def numbers(self):
        out = []
        for data in self.sender.pump():
            out += [(f.sequence, f.flags) for f in parse(receiver.Parser(4096), data)]
        return out

    def add(self, count, size=72, now=0.0):
        for _ in range(count):
            self.sender.add(receiver.CONTROL, 1, b'x' * size, now)

    def test_window_and_ask(self):
        self.add(5)                         # of 100 bytes each
        self.assertEqual(self.numbers(), [(0, 0), (1, 0), (2, 1)])
        self.assertEqual(self.numbers(), [])
        self.assertTrue(self.sender.acknowledged(1, 300, 0.1))
        self.assertEqual(self.numbers(), [(3, 1)])
        self.assertTrue(self.sender.acknowledged(4, 300, 0.1))
        self.assertEqual(self.numbers(), [(4, 1)])

    def test_one_frame_may_exceed_the_window_but_none_a_window_of_0(self):
        self.add(2, 1000)
        self.assertEqual(self.numbers(), [(0, 1)])
        self.sender.acknowledged(1, 0, 0.1)
        self.assertEqual(self.numbers(), [])
        self.sender.acknowledged(1, 1, 0.2)
        self.assertEqual(self.numbers(), [(1, 1)])

    def test_gap_sends_again(self):
        self.add(3)
        self.numbers()
        self.sender.acknowledged(1, 300, 0.1)
        self.sender.gap()
        self.assertEqual(self.numbers(), [(1, 0), (2, 1)])

    def test_probe_proves_loss_once(self):
        self.add(2)
        self.numbers()
        self.assertIsNone(self.sender.probe(0.59))
        ping = self.sender.probe(0.6)
        self.assertIsNone(self.sender.probe(1.1))
        second = self.sender.probe(1.2)
        self.assertNotEqual(ping, second)
        self.sender.pong(ping, 0)
        self.assertEqual(self.numbers(), [(0, 0), (1, 1)])
        self.sender.pong(second, 0)         # sent before the repetition: proves nothing of it
        self.assertEqual(self.numbers(), [])

    def test_pong_that_proves_nothing(self):
        self.add(1)
        self.numbers()
        ping = self.sender.probe(0.6)
        self.sender.acknowledged(1, 300, 0.7)
        self.add(1, now=0.7)
        self.numbers()
        self.sender.pong(ping, 1)           # frame 1 went after that PING
        self.assertEqual(self.numbers(), [])

    def test_impossible_and_old_acknowledgements(self):
        self.add(2)
        self.numbers()
        self.assertFalse(self.sender.acknowledged(3, 300, 0))
        self.assertTrue(self.sender.acknowledged(2, 300, 0))
        self.assertTrue(self.sender.acknowledged(1, 300, 0))
        self.assertEqual(self.sender.base, 2)

    def test_quiet_when_all_is_acknowledged(self):
        self.add(1)
        self.numbers()
        self.sender.acknowledged(1, 300, 0)
        self.assertIsNone(self.sender.deadline())
        self.assertIsNone(self.sender.probe(1000))


class LossyLine(unittest.TestCase):
    """A sender and a reader, one line each way, 10 ms apart; the clock is a
    number."""

    def transfer(self, count, loss, seed, size=1000):
        dice = random.Random(seed)
        sender = receiver.ReliableSender(1, 16384)
        reader = receiver.ReliableReader(16384, 4096)
        taken, sent, now = [], 0, 0.0
        to_reader, to_sender = [], []       # (time of arrival, what)
        for number in range(count):
            sender.add(receiver.DATA, 1, bytes([number % 256]) * size, 0.0)
        while sender.frames:
            now += 0.01
            self.assertLess(now, 3600, 'no end')
            for data in sender.pump():
                sent += 1
                if dice.random() >= loss:
                    to_reader.append((now + 0.01, parse(receiver.Parser(4096), data)[0]))
            ping = sender.probe(now)
            if ping is not None and dice.random() >= loss:
                to_reader.append((now + 0.01, ping))
            replies = []
            while to_reader and to_reader[0][0] <= now:
                item = to_reader.pop(0)[1]
                if isinstance(item, int):
                    replies.append(('pong', item) + reader.told())
                elif reader.offer(item.sequence, len(item.payload) + 28, item.flags & 1):
                    taken.append(item.payload[0])
                    reader.give_back(len(item.payload) + 28)
            ack = reader.ack()
            if ack:
                replies.append(('ack',) + ack)
            to_sender += [(now + 0.01, r) for r in replies if dice.random() >= loss]
            while to_sender and to_sender[0][0] <= now:
                kind, first, upto, window = to_sender.pop(0)[1]
                self.assertTrue(sender.acknowledged(upto, window, now))
                if kind == 'pong':
                    sender.pong(first, upto)
                elif first:
                    sender.gap()
        self.assertEqual(taken, [n % 256 for n in range(count)])
        return sent, now

    def test_nothing_is_sent_twice_on_a_clean_line(self):
        sent, _ = self.transfer(500, 0.0, SEED)
        self.assertEqual(sent, 500)

    def test_all_arrives_over_lines_that_lose(self):
        for loss in (0.01, 0.1, 0.3):
            for seed in range(SEED, SEED + 5):
                with self.subTest(loss=loss, seed=seed):
                    self.transfer(200, loss, seed)

    def test_little_is_sent_twice_on_a_good_line(self):
        sent, _ = self.transfer(1000, 0.005, SEED)
        self.assertLess(sent, 1200)


if __name__ == '__main__':
    unittest.main()
