// What turns the C# engine inside receiver.ps1 into a program of its own for Mono: a Main with the signals that
// PowerShell's host takes elsewhere, and a way to ask its parts for the shared vectors.
using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using Mono.Unix;
using Mono.Unix.Native;

namespace Guestwire
{

static class EngineMain
{
    static int Main(string[] arguments)
    {
        if (arguments.Length == 1 && arguments[0] == "--probe") return Probe.Run();
        // caught from here on, not from when the thread first runs: a test may signal as soon as a port is served
        UnixSignal[] signals = { new UnixSignal(Signum.SIGTERM), new UnixSignal(Signum.SIGINT), new UnixSignal(Signum.SIGHUP) };
        Thread thread = new Thread(delegate()
        {
            UnixSignal.WaitAny(signals);
            Engine.Stop();
        });
        thread.IsBackground = true;
        thread.Start();
        return Engine.Run(arguments);
    }
}

/// <summary>One command a line on standard input, one line of answer each; bytes are hexadecimal.</summary>
class Probe
{
    Parser _parser;
    Inflate _inflate;
    readonly StringBuilder _knocks = new StringBuilder();
    readonly StringBuilder _inflated = new StringBuilder();
    readonly WindowsPlatform _windows = new WindowsPlatform();

    public static int Run()
    {
        Probe probe = new Probe();
        for (string line = Console.In.ReadLine(); line != null; line = Console.In.ReadLine())
        {
            Console.Out.WriteLine(probe.Answer(line.Split(' ')));
            Console.Out.Flush();
        }
        return 0;
    }

    string Answer(string[] words)
    {
        switch (words[0])
        {
            case "text": return Text(Unhex(words[1]));
            case "encode":
                return Sha256.Hex(Frame.Encode(byte.Parse(words[1]), int.Parse(words[2]), int.Parse(words[3]),
                                               uint.Parse(words[4]), uint.Parse(words[5]), Unhex(words[6])));
            case "parser":
                _knocks.Length = 0;
                _parser = new Parser(int.Parse(words[1]), Knocked);
                return "";
            case "knocks": return _knocks.ToString();
            case "knock": return Knock(Unhex(words[1]));
            case "feed": return Feed(Unhex(words[1]));
            case "idle": _parser.Idle(); return Frames();
            case "kept": return _parser.Dropped + " " + _parser.Kept;
            case "adler": return Sum(Unhex(words[1]));
            case "crc": return Crc32.Of(Unhex(words[1]), int.Parse(words[2]), int.Parse(words[3])).ToString("x8");
            case "sha": return Sha(new PlainSha256(), Unhex(words[1]), int.Parse(words[2]));
            case "inflate": _inflate = new Inflate(Collect); return "";
            case "in": return Inflated(Unhex(words[1]));
            default: return Path(Encoding.UTF8.GetString(Unhex(words[1])), Encoding.UTF8.GetString(Unhex(words[2])));
        }
    }

    static string Sum(byte[] data) { return Adler32.Add(1, data, 0, data.Length).ToString("x8"); }

    static string Sha(PlainSha256 hash, byte[] data, int step)
    {
        for (int at = 0; at < data.Length; at += step)
            hash.TransformBlock(data, at, Math.Min(step, data.Length - at), data, at);
        hash.TransformFinalBlock(new byte[0], 0, 0);
        return Sha256.Hex(hash.Hash);
    }

    static byte[] Unhex(string text)
    {
        byte[] made = new byte[text.Length / 2];
        for (int i = 0; i < made.Length; i++) made[i] = Convert.ToByte(text.Substring(2 * i, 2), 16);
        return made;
    }

    static string Text(byte[] payload)
    {
        Fields fields = new Fields();
        string verb;
        try { verb = Texts.Read(payload, payload.Length, fields); }
        catch (BadText) { return "bad"; }
        StringBuilder made = new StringBuilder(verb).Append(' ').Append(Sha256.Hex(Texts.Write(verb, fields)));
        foreach (KeyValuePair<string, byte[]> item in fields.Items)
            made.Append(' ').Append(item.Key).Append('=').Append(Sha256.Hex(item.Value));
        return made.ToString();
    }

    void Knocked(uint nonce) { _knocks.Append(nonce).Append(' '); }

    static string Knock(byte[] digits)
    {
        uint nonce;
        return digits.Length == Wire.KnockBytes && Knocks.IsKnock(digits, 0, out nonce) ? nonce.ToString() : "none";
    }

    string Feed(byte[] data)
    {
        StringBuilder made = new StringBuilder();
        for (int at = 0; at < data.Length; )
        {
            int count = Math.Min(_parser.Space(), data.Length - at);
            Buffer.BlockCopy(data, at, _parser.Data, _parser.End, count);
            _parser.Filled(count);
            at += count;
            made.Append(Frames());
        }
        return made.ToString();
    }

    string Frames()
    {
        StringBuilder made = new StringBuilder();
        for (Frame frame = _parser.Next(); frame != null; frame = _parser.Next())
            made.Append(frame.Type + "," + frame.Flags + "," + frame.Stream + "," + frame.Session + "," + frame.Sequence + ","
                        + Sha256.Hex(frame.Payload()) + " ");
        return made.ToString();
    }

    void Collect(byte[] data, int offset, int count)
    {
        byte[] part = new byte[count];
        Buffer.BlockCopy(data, offset, part, 0, count);
        _inflated.Append(Sha256.Hex(part));
    }

    string Inflated(byte[] data)
    {
        _inflated.Length = 0;
        try { _inflate.Feed(data, 0, data.Length); }
        catch (BadData) { return "bad"; }
        return _inflated.ToString();
    }

    string Path(string path, string root)
    {
        try
        {
            Place place = _windows.Parse(path, root);
            return place.IsNul ? "device" : "place " + place.Directory + "|" + place.Name;
        }
        catch (Refused error) { return error.Code; }
    }
}

}
