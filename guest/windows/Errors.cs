using System;

namespace Guestwire
{

// Errors (section 5).

/// <summary>A request that ends in `error`.</summary>
class Refused : Exception
{
    public string Code;
    public string Path;
    readonly string _errno;
    readonly Fields _extra;

    public Refused(string code, string message) : this(code, message, null, null, null) { }

    public Refused(string code, string message, string path) : this(code, message, path, null, null) { }

    public Refused(string code, string message, string path, string errno, Fields extra) : base(message)
    {
        Code = code;
        Path = path;
        _errno = errno;
        _extra = extra;
    }

    public Fields ToFields()
    {
        Fields made = new Fields().Add("code", Code).Add("message", Message);
        if (Path != null) made.Add("path", Path);
        if (_errno != null) made.Add("errno", _errno);
        if (_extra != null) made.Items.AddRange(_extra.Items);
        return made;
    }
}

/// <summary>An error of the operating system: its own name and what the
/// protocol calls it.</summary>
class SystemError : Exception
{
    public readonly string Code, Name;

    /// <summary>The device is gone, or the port's name no longer leads to one.</summary>
    public readonly bool Gone;

    public SystemError(string code, string name, string message, bool gone) : base(message)
    {
        Code = code;
        Name = name;
        Gone = gone;
    }

    public Refused Refuse(string path) { return new Refused(Code, Message, path, Name, null); }

    /// <summary>A write knows no names: what sounds like one is an error of the device.</summary>
    public Refused RefuseWrite(string path)
    {
        bool name = Code == "bad-name" || Code == "exists" || Code == "no-directory";
        return new Refused(name ? "io" : Code, Message, path, Name, null);
    }
}

}
