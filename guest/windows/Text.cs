using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;

namespace Guestwire
{

// Text payloads (section 2 of PROTOCOL.md).

class BadText : Exception
{
    public BadText(string message) : base(message) { }
}

/// <summary>Keys and values in their order; values are bytes.</summary>
class Fields
{
    public readonly List<KeyValuePair<string, byte[]>> Items = new List<KeyValuePair<string, byte[]>>();

    public byte[] this[string key]
    {
        get
        {
            foreach (KeyValuePair<string, byte[]> item in Items) if (item.Key == key) return item.Value;
            return null;
        }
    }

    public Fields Add(string key, byte[] value)
    {
        Items.Add(new KeyValuePair<string, byte[]>(key, value));
        return this;
    }

    public Fields Add(string key, string value) { return Add(key, Encoding.UTF8.GetBytes(value)); }

    public Fields Add(string key, long value) { return Add(key, value.ToString(CultureInfo.InvariantCulture)); }

    /// <summary>The value as ASCII text, null if there is none; bytes past 7F become "?".</summary>
    public string Ascii(string key)
    {
        byte[] value = this[key];
        return value == null ? null : Encoding.ASCII.GetString(value);
    }

    public bool Yes(string key) { return Ascii(key) == "1"; }

    public Fields Without(string first, string second)
    {
        Fields kept = new Fields();
        foreach (KeyValuePair<string, byte[]> item in Items)
            if (item.Key != first && item.Key != second) kept.Items.Add(item);
        return kept;
    }
}

static class Texts
{
    /// <summary>The verb and fields of a text payload; BadText if it is invalid.</summary>
    public static string Read(byte[] data, int length, Fields fields)
    {
        if (length > Wire.TextMax) throw new BadText("text of more than " + Wire.TextMax + " bytes");
        if (length == 0 || data[length - 1] != '\n') throw new BadText("last line without LF");
        int at = 0;
        string verb = null;
        while (at < length)
        {
            int end = Array.IndexOf(data, (byte)'\n', at, length - at);
            if (verb == null) verb = Name(data, at, end, "invalid verb");
            else ReadLine(data, at, end, fields);
            at = end + 1;
        }
        return verb;
    }

    static string Name(byte[] data, int start, int end, string complaint)
    {
        for (int i = start; i < end; i++)
        {
            byte b = data[i];
            if (!(b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-')) throw new BadText(complaint);
        }
        if (start == end) throw new BadText(complaint);
        return Encoding.ASCII.GetString(data, start, end - start);
    }

    static void ReadLine(byte[] data, int start, int end, Fields fields)
    {
        int equals = Array.IndexOf(data, (byte)'=', start, end - start);
        if (equals < 0) throw new BadText("invalid line");
        string key = Name(data, start, equals, "invalid line");
        if (fields[key] != null) throw new BadText("key " + key + " given twice");
        MemoryStream value = new MemoryStream();
        for (int i = equals + 1; i < end; i++)
        {
            byte b = data[i];
            if (b < 0x21 || b > 0x7e) throw new BadText("invalid line");
            if (b != '%') { value.WriteByte(b); continue; }
            int high = i + 2 < end ? Digit(data[i + 1]) : -1, low = i + 2 < end ? Digit(data[i + 2]) : -1;
            if (high < 0 || low < 0) throw new BadText("invalid line");
            value.WriteByte((byte)(16 * high + low));
            i += 2;
        }
        fields.Add(key, value.ToArray());
    }

    static int Digit(byte b)
    {
        if (b >= '0' && b <= '9') return b - '0';
        int letter = b | 0x20;
        return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
    }

    public static byte[] Write(string verb, Fields fields)
    {
        StringBuilder made = new StringBuilder(verb).Append('\n');
        foreach (KeyValuePair<string, byte[]> item in fields.Items)
        {
            made.Append(item.Key).Append('=');
            foreach (byte b in item.Value)
            {
                if (b >= 0x21 && b <= 0x7e && b != '%') made.Append((char)b);
                else made.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
            made.Append('\n');
        }
        return Encoding.ASCII.GetBytes(made.ToString());
    }

    /// <summary>A reply never exceeds what a text may have: a path that does is
    /// cut out (it was the host's own, escaped to up to three times its length).</summary>
    public static byte[] WriteReply(string verb, Fields fields)
    {
        byte[] payload = Write(verb, fields);
        return payload.Length <= Wire.TextMax ? payload : Write(verb, fields.Without("path", "target"));
    }
}

}
