using System;
using System.Collections.Generic;

namespace Guestwire
{

class Usage : Exception
{
    public Usage(string message) : base(message) { }
}

/// <summary>The command line, as PowerShell hands it over: -Name value,
/// -Name:value, names in any case and shortened as long as they are unique.</summary>
class Options
{
    static readonly string[] Names = { "port", "root", "readonly", "loglevel", "speed", "version", "help" };

    public readonly List<string> Ports = new List<string>();
    public string Root;
    public bool ReadOnly, Version, Help;
    public int LogLevel = 1, Speed = 115200;

    public Options(string[] arguments)
    {
        for (int i = 0; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            if (argument.Length < 2 || argument[0] != '-')
            {
                AddPorts(argument);         // what comes without an option is a port
                continue;
            }
            int colon = argument.IndexOf(':');
            string option = Find(argument.Substring(0, colon < 0 ? argument.Length : colon));
            string value = colon < 0 ? null : argument.Substring(colon + 1);
            if (option == "readonly") ReadOnly = true;
            else if (option == "version") Version = true;
            else if (option == "help") Help = true;
            else
            {
                if (value == null && i + 1 < arguments.Length) value = arguments[++i];
                if (string.IsNullOrEmpty(value)) throw new Usage(argument + " needs a value");
                Set(option, value);
            }
        }
    }

    /// <summary>--read-only is taken for -ReadOnly.</summary>
    static string Find(string argument)
    {
        string name = argument.Replace("-", "").ToLowerInvariant();
        List<string> found = new List<string>();
        foreach (string one in Names) if (name.Length > 0 && one.StartsWith(name, StringComparison.Ordinal)) found.Add(one);
        if (found.Contains(name)) return name;
        if (found.Count != 1) throw new Usage("there is no option " + argument);
        return found[0];
    }

    void Set(string option, string value)
    {
        if (option == "port") AddPorts(value);
        else if (option == "root") Root = value;
        else if (option == "speed")
        {
            if (!int.TryParse(value, out Speed) || Speed < 300 || Speed > 4000000)
                throw new Usage("not a line speed: " + value);
        }
        else
        {
            LogLevel = Array.IndexOf(Log.Levels, value.ToLowerInvariant());
            if (LogLevel < 0) throw new Usage("-LogLevel is one of " + string.Join(", ", Log.Levels));
        }
    }

    void AddPorts(string list)
    {
        foreach (string name in list.Split(','))
            if (name.Trim().Length > 0 && !Ports.Contains(name.Trim())) Ports.Add(name.Trim());
    }
}

}
