using System;

namespace Guestwire
{

// DEFLATE (RFC 1951), fed in pieces of any size.

class BadData : Exception
{
    public BadData(string message) : base(message) { }
}

delegate void Sink(byte[] data, int offset, int count);

/// <summary>.NET's own DeflateStream pulls its input and can't stop in the middle of it, but frames push. So every step
/// here either has all the bits it needs, or leaves the state unchanged and waits for the next frame.</summary>
class Inflate
{
    enum State { Header, StoredLength, Stored, Counts, CodeLengths, Symbol, LengthExtra, Distance, DistanceExtra }

    const int WindowMask = 0xffff;          // twice the 32 KiB that RFC 1951 may refer to
    const int Step = 0x8000;                // so much is handed on at a time

    static readonly int[] LengthBase = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258 };
    static readonly int[] LengthBits = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3,
                                         4, 4, 4, 4, 5, 5, 5, 5, 0 };
    static readonly int[] DistanceBase = { 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513,
                                           769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };
    static readonly int[] DistanceBits = { 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8,
                                           9, 9, 10, 10, 11, 11, 12, 12, 13, 13 };
    static readonly int[] CodeOrder = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
    static readonly Huffman FixedSymbols = new Huffman(FixedLengths(), 288);
    static readonly Huffman FixedDistances = new Huffman(Filled(32, 5), 32);

    readonly byte[] _window = new byte[WindowMask + 1];
    readonly Sink _sink;
    int _at, _flushed;                      // positions in the window
    int _history;                           // bytes a distance may reach back, at most 32 KiB
    ulong _bits;
    int _count;                             // bits at hand
    byte[] _input;
    int _next, _end;
    State _state = State.Header;
    Huffman _symbols, _distances;
    int _literals, _distanceCodes, _codes, _index, _length, _distanceSymbol, _symbol;
    readonly byte[] _lengths = new byte[320];

    public Inflate(Sink sink) { _sink = sink; }

    static byte[] Filled(int count, byte value)
    {
        byte[] made = new byte[count];
        for (int i = 0; i < count; i++) made[i] = value;
        return made;
    }

    static byte[] FixedLengths()
    {
        byte[] made = Filled(288, 8);
        for (int i = 144; i < 256; i++) made[i] = 9;
        for (int i = 256; i < 280; i++) made[i] = 7;
        return made;
    }

    /// <summary>A canonical Huffman code: a table for codes of up to 10 bits,
    /// counting for the longer ones.</summary>
    class Huffman
    {
        const int Quick = 10;
        readonly int[] _quick = new int[1 << Quick];        // length + 16 * symbol, 0 if longer or none
        readonly int[] _counts = new int[16];
        readonly int[] _sorted;

        public Huffman(byte[] lengths, int count) : this(lengths, 0, count) { }

        public Huffman(byte[] lengths, int from, int count)
        {
            for (int i = 0; i < count; i++) _counts[lengths[from + i]]++;
            _counts[0] = 0;
            int left = 1, total = 0;
            int[] offsets = new int[17], codes = new int[17];
            for (int length = 1, code = 0; length < 16; length++)
            {
                left = (left << 1) - _counts[length];
                if (left < 0) throw new BadData("over-subscribed Huffman code");
                code = (code + _counts[length - 1]) << 1;
                codes[length] = code;
                offsets[length + 1] = offsets[length] + _counts[length];
                total += _counts[length];
            }
            // as zlib: incomplete only where a single code, or none, is used
            if (left > 0 && total > 1) throw new BadData("incomplete Huffman code");
            _sorted = new int[Math.Max(1, total)];
            for (int i = 0; i < count; i++)
            {
                int length = lengths[from + i];
                if (length == 0) continue;
                _sorted[offsets[length]++] = i;
                Fill(codes[length]++, length, i);
            }
        }

        void Fill(int code, int length, int symbol)
        {
            if (length > Quick) return;
            int reversed = 0;
            for (int i = 0; i < length; i++) reversed |= ((code >> i) & 1) << (length - 1 - i);
            for (int i = reversed; i < _quick.Length; i += 1 << length) _quick[i] = length + 16 * symbol;
        }

        /// <summary>The symbol at the beginning of `bits`, of which `count` are
        /// valid; -1 if they are too few. `length` is what it takes.</summary>
        public int Decode(ulong bits, int count, out int length)
        {
            int entry = _quick[(int)bits & ((1 << Quick) - 1)];
            length = entry & 15;
            if (entry != 0) return length <= count ? entry >> 4 : -1;
            int code = 0, first = 0, index = 0;
            for (length = 1; length < 16; length++)
            {
                if (length > count) return -1;
                code |= (int)(bits >> (length - 1)) & 1;
                if (code - _counts[length] < first) return _sorted[index + code - first];
                index += _counts[length];
                first = (first + _counts[length]) << 1;
                code <<= 1;
            }
            throw new BadData("invalid Huffman code");
        }
    }

    /// <summary>Inflates as much as these bytes allow; the sink has it all when
    /// this returns.</summary>
    public void Feed(byte[] data, int offset, int count)
    {
        _input = data;
        _next = offset;
        _end = offset + count;
        while (Go()) { }
        Flush();
        _input = null;
    }

    bool Need(int bits)
    {
        while (_count < bits)
        {
            if (_next == _end) return false;
            _bits |= (ulong)_input[_next++] << _count;
            _count += 8;
        }
        return true;
    }

    int Take(int bits)
    {
        int value = (int)(_bits & ((1UL << bits) - 1));
        _bits >>= bits;
        _count -= bits;
        return value;
    }

    bool Decode(Huffman code, out int symbol)
    {
        Need(15);                           // or as many as there are
        int length;
        symbol = code.Decode(_bits, _count, out length);
        if (symbol < 0) return false;
        Take(length);
        return true;
    }

    /// <summary>One step; false if it takes more input.</summary>
    bool Go()
    {
        switch (_state)
        {
            case State.Header: return Header();
            case State.StoredLength: return StoredLength();
            case State.Stored: return Stored();
            case State.Counts: return Counts();
            case State.CodeLengths: return _index < 0 ? OrderedLengths() : CodeLengths();
            case State.Symbol: return Symbols();
            case State.LengthExtra: return LengthExtra();
            case State.Distance: return Distance();
            default: return DistanceExtra();
        }
    }

    bool Header()
    {
        if (!Need(3)) return false;
        if (Take(1) != 0) throw new BadData("the stream ends");    // section 6: it never does
        switch (Take(2))
        {
            case 0:
                Take(_count & 7);
                _state = State.StoredLength;
                return true;
            case 1:
                _symbols = FixedSymbols;
                _distances = FixedDistances;
                _state = State.Symbol;
                return true;
            case 2:
                _state = State.Counts;
                return true;
            default:
                throw new BadData("invalid block type");
        }
    }

    bool StoredLength()
    {
        if (!Need(32)) return false;
        _length = Take(16);
        if (Take(16) != (_length ^ 0xffff)) throw new BadData("invalid stored block");
        _state = State.Stored;
        return true;
    }

    bool Stored()
    {
        for (; _length > 0 && _count > 0; _length--) Put((byte)Take(8));
        while (_length > 0 && _next < _end)
        {
            Put(_input[_next++]);
            _length--;
        }
        if (_length > 0) return false;
        _state = State.Header;
        return true;
    }

    bool Counts()
    {
        if (!Need(14)) return false;
        _literals = Take(5) + 257;
        _distanceCodes = Take(5) + 1;
        _codes = Take(4) + 4;
        if (_literals > 286 || _distanceCodes > 30) throw new BadData("too many codes");
        Array.Clear(_lengths, 0, _lengths.Length);
        _index = -_codes;
        _state = State.CodeLengths;
        return true;
    }

    /// <summary>The code that the lengths of the other two are written in.</summary>
    bool OrderedLengths()
    {
        for (; _index < 0; _index++)
        {
            if (!Need(3)) return false;
            _lengths[CodeOrder[_codes + _index]] = (byte)Take(3);
        }
        _symbols = new Huffman(_lengths, 19);
        Array.Clear(_lengths, 0, 19);
        return true;
    }

    bool CodeLengths()
    {
        int total = _literals + _distanceCodes;
        while (_index < total)
        {
            Need(22);                       // a code and its repetition, or as many as there are
            int used;
            int symbol = _symbols.Decode(_bits, _count, out used);
            if (symbol < 0) return false;
            if (symbol < 16)
            {
                Take(used);
                _lengths[_index++] = (byte)symbol;
                continue;
            }
            int extra = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
            if (_count < used + extra) return false;
            Take(used);
            int times = Take(extra) + (symbol == 18 ? 11 : 3);
            if (symbol == 16 && _index == 0 || _index + times > total) throw new BadData("invalid repetition");
            byte value = symbol == 16 ? _lengths[_index - 1] : (byte)0;
            while (times-- > 0) _lengths[_index++] = value;
        }
        if (_lengths[256] == 0) throw new BadData("no end-of-block code");
        _symbols = new Huffman(_lengths, 0, _literals);
        _distances = new Huffman(_lengths, _literals, _distanceCodes);
        _state = State.Symbol;
        return true;
    }

    bool Symbols()
    {
        int symbol;
        while (Decode(_symbols, out symbol))
        {
            if (symbol < 256) { Put((byte)symbol); continue; }
            if (symbol > 285) throw new BadData("invalid length");
            _state = symbol == 256 ? State.Header : State.LengthExtra;
            _symbol = symbol - 257;
            return true;
        }
        return false;
    }

    bool LengthExtra()
    {
        if (!Need(LengthBits[_symbol])) return false;
        _length = LengthBase[_symbol] + Take(LengthBits[_symbol]);
        _state = State.Distance;
        return true;
    }

    bool Distance()
    {
        if (!Decode(_distances, out _distanceSymbol)) return false;
        if (_distanceSymbol > 29) throw new BadData("invalid distance");
        _state = State.DistanceExtra;
        return true;
    }

    bool DistanceExtra()
    {
        if (!Need(DistanceBits[_distanceSymbol])) return false;
        int distance = DistanceBase[_distanceSymbol] + Take(DistanceBits[_distanceSymbol]);
        if (distance > _history) throw new BadData("distance too far back");
        for (; _length > 0; _length--) Put(_window[(_at - distance) & WindowMask]);
        _state = State.Symbol;
        return true;
    }

    void Put(byte value)
    {
        _window[_at] = value;
        _at = (_at + 1) & WindowMask;
        if (_history < 0x8000) _history++;
        if ((_at & (Step - 1)) == 0) Flush();
    }

    /// <summary>Passes on what is new: at most Step bytes, because Put calls it at each multiple of that.</summary>
    void Flush()
    {
        int end = _at == 0 && _flushed != 0 ? WindowMask + 1 : _at;
        if (end > _flushed) _sink(_window, _flushed, end - _flushed);
        _flushed = _at;
    }
}

}
