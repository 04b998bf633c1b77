using System;
using System.Globalization;
using System.IO;
using System.Text;

namespace Guestwire
{

// What a peer says is never written raw to somebody's console.

static class Log
{
    public static readonly string[] Levels = { "error", "warning", "info", "debug" };
    public static int Level = 1;
    static readonly object Gate = new object();

    public static void Write(string text)
    {
        try
        {
            lock (Gate) { Console.Error.Write(Printable(text) + "\n"); Console.Error.Flush(); }
        }
        catch (IOException) { }             // nobody reads it: no reason to stop serving
    }

    static void Say(int level, string text)
    {
        if (level <= Level) Write("receiver: " + Levels[level] + ": " + text);
    }

    public static void Error(string text) { Say(0, text); }
    public static void Warning(string text) { Say(1, text); }
    public static void Info(string text) { Say(2, text); }
    public static void Debug(string text) { Say(3, text); }

    public static void Defect(Exception error)
    {
        Error("defect: " + error.GetType().Name + ": " + error.Message);
        Debug(error.ToString());
    }

    /// <summary>ASCII without control characters; everything else is escaped.</summary>
    public static string Printable(string text)
    {
        StringBuilder made = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            if (c >= ' ' && c <= '~') made.Append(c);
            else if (c == '\n') made.Append("\\n");
            else if (c == '\r') made.Append("\\r");
            else if (c == '\t') made.Append("\\t");
            else made.AppendFormat(CultureInfo.InvariantCulture, c < 0x100 ? "\\x{0:x2}" : "\\u{0:x4}", (int)c);
        }
        return made.ToString();
    }
}

}
