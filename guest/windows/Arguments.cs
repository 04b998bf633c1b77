using System;
using System.Globalization;

namespace Guestwire
{

static class Arguments
{
    static Refused Invalid(string key) { return new Refused("bad-request", key + " is invalid"); }

    /// <summary>-1 if it is missing and may be.</summary>
    public static long Number(Fields fields, string key, bool required)
    {
        string text = fields.Ascii(key);
        if (text == null)
        {
            if (required) throw new Refused("bad-request", key + " is missing");
            return -1;
        }
        ulong value;
        if (!AllDigits(text, '9', 19) || !ulong.TryParse(text, out value) || value > long.MaxValue) throw Invalid(key);
        return (long)value;
    }

    static bool AllDigits(string text, char highest, int most)
    {
        foreach (char c in text) if (c < '0' || c > highest) return false;
        return text.Length > 0 && text.Length <= most;
    }

    public static int Mode(Fields fields) { return Octal(fields, "mode"); }

    public static int Octal(Fields fields, string key)
    {
        string text = fields.Ascii(key);
        if (text == null) return -1;
        if (!AllDigits(text, '7', 7)) throw Invalid(key);
        return Convert.ToInt32(text, 8);
    }

    /// <summary>Nanoseconds since 1970; false if there is none.</summary>
    public static bool Mtime(Fields fields, out long nanoseconds)
    {
        nanoseconds = 0;
        string text = fields.Ascii("mtime");
        if (text == null) return false;
        bool negative = text.StartsWith("-", StringComparison.Ordinal);
        string whole = negative ? text.Substring(1) : text, fraction = "0";
        int dot = whole.IndexOf('.');
        if (dot >= 0)
        {
            fraction = whole.Substring(dot + 1);
            whole = whole.Substring(0, dot);
        }
        if (!AllDigits(whole, '9', 12) || !AllDigits(fraction, '9', 9)) throw Invalid("mtime");
        if (whole.Length > 10) throw new Refused("bad-request", "mtime is out of range");   // 2286
        nanoseconds = Value(whole) * 1000000000 + Value(fraction.PadRight(9, '0'));
        if (negative) nanoseconds = -nanoseconds;
        return true;
    }

    static long Value(string digits) { return long.Parse(digits, CultureInfo.InvariantCulture); }

    public static string TimeText(long nanoseconds)
    {
        string fraction = Math.Abs(nanoseconds % 1000000000).ToString("d9", CultureInfo.InvariantCulture);
        string text = Math.Abs(nanoseconds / 1000000000) + "." + fraction;
        return (nanoseconds < 0 ? "-" : "") + text.TrimEnd('0').TrimEnd('.');
    }

    public static string Conflict(Fields fields)
    {
        string value = fields.Ascii("conflict") ?? "fail";
        if (Array.IndexOf(new string[] { "fail", "overwrite", "skip", "newer", "rename" }, value) < 0)
            throw new Refused("unsupported", "conflict policy unknown");
        return value;
    }

    public static string Sha256(Fields fields) { return Digits(fields, "sha256", 64); }

    public static uint Session(Fields fields) { return Convert.ToUInt32(Digits(fields, "session", 8), 16); }

    /// <summary>So many hexadecimal digits in lower case.</summary>
    static string Digits(Fields fields, string key, int count)
    {
        string text = fields.Ascii(key);
        if (text == null) throw new Refused("bad-request", key + " is missing");
        foreach (char c in text) if (!(c >= '0' && c <= '9' || c >= 'a' && c <= 'f')) throw Invalid(key);
        if (text.Length != count) throw Invalid(key);
        return text;
    }
}

}
