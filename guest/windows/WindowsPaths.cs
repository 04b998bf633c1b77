using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Guestwire
{

partial class WindowsPlatform : Platform
{
    class Held : IDisposable
    {
        readonly SafeFileHandle _handle;
        public Held(SafeFileHandle handle) { _handle = handle; }
        public void Dispose() { _handle.Close(); }
    }

    const int NameMax = 255, PathMax = 32000;
    static readonly char[] Forbidden = { '<', '>', ':', '"', '|', '?', '*' };

    public override string System { get { return "windows"; } }
    public override char Separator { get { return '\\'; } }
    public override string Home { get { return Environment.GetEnvironmentVariable("USERPROFILE") ?? "C:\\"; } }

    /// <summary>Symbolic links take a privilege or developer mode: a trial tells.</summary>
    public override string Capabilities { get { return MayLink() ? "symlink,mtime" : "mtime"; } }

    static bool MayLink()
    {
        string path = Path.Combine(Path.GetTempPath(), "guestwire-" + Guid.NewGuid().ToString("N"));
        return Win32.CreateSymbolicLinkW(path, "target", Win32.LinkUnprivileged) != 0 && Win32.DeleteFileW(path);
    }

    /// <summary>Into a drive or share and clean names. Windows would drop the
    /// dots and spaces at the end of a name, take NUL.txt for the null device
    /// and open a stream behind a colon: all that is refused instead.</summary>
    public override Place Parse(string path, string root)
    {
        path = Expand(path).Replace('/', '\\');
        if (path.StartsWith("\\\\?\\UNC\\", StringComparison.OrdinalIgnoreCase)) path = "\\\\" + path.Substring(8);
        else if (path.StartsWith("\\\\?\\", StringComparison.Ordinal)) path = path.Substring(4);
        if (path.Length == 0) throw Bad("no file is named");
        string last = path.Substring(path.LastIndexOf('\\') + 1);
        bool isDevice = path.StartsWith("\\\\.\\", StringComparison.Ordinal);
        if (IsNul(isDevice && path.Length == 7 ? path.Substring(4) : last)) return Nul();
        if (isDevice) throw Bad("devices other than NUL are no destination");
        string top, rest;
        Split(path, root, out top, out rest);
        List<string> names = new List<string>();
        foreach (string name in rest.Split('\\'))
        {
            if (name.Length == 0 || name == ".") continue;
            if (name == "..") { if (names.Count > 0) names.RemoveAt(names.Count - 1); continue; }
            CheckName(name);
            names.Add(name);
        }
        Place place = new Place();
        bool whole = names.Count == 0 || last.Length == 0 || last == "." || last == "..";
        place.Name = whole ? "" : names[names.Count - 1];
        if (!whole) names.RemoveAt(names.Count - 1);
        place.Directory = top + string.Join("\\", names.ToArray());
        if (place.Directory.Length + place.Name.Length > PathMax)
            throw new Refused("name-too-long", "the path is too long", null, "ERROR_FILENAME_EXCED_RANGE", null);
        return place;
    }

    static Refused Bad(string message) { return new Refused("bad-name", message, null, "ERROR_INVALID_NAME", null); }

    public override bool NameFits(string name) { return name.Length <= NameMax; }

    /// <summary>A variable at the beginning, such as %TEMP%, or "~". Elsewhere
    /// a percent sign is part of a name.</summary>
    string Expand(string path)
    {
        if (path[0] == '~' && (path.Length == 1 || path[1] == '/' || path[1] == '\\')) return Home + path.Substring(1);
        int end = path[0] == '%' ? path.IndexOf('%', 1) : -1;
        if (end < 2 || end + 1 < path.Length && path[end + 1] != '/' && path[end + 1] != '\\') return path;
        string value = Environment.GetEnvironmentVariable(path.Substring(1, end - 1));
        return string.IsNullOrEmpty(value) ? path : value + path.Substring(end + 1);
    }

    /// <summary>"C:\", "\\server\share\" and what follows.</summary>
    static void Split(string path, string root, out string top, out string rest)
    {
        if (path.StartsWith("\\\\", StringComparison.Ordinal))
        {
            int share = path.IndexOf('\\', 2);
            int end = share < 0 ? -1 : path.IndexOf('\\', share + 1);
            string name = share < 0 ? "" : path.Substring(share + 1, (end < 0 ? path.Length : end) - share - 1);
            if (share < 3 || name.Length == 0 || name == "." || name == "..") throw Bad("no share is named");
            top = (end < 0 ? path : path.Substring(0, end)) + "\\";
            rest = end < 0 ? "" : path.Substring(end + 1);
            if (top.IndexOfAny(Forbidden) >= 0) throw Bad("a name has a character that Windows forbids");
        }
        else if (path.Length >= 2 && path[1] == ':')
        {
            char drive = char.ToUpperInvariant(path[0]);
            if (drive < 'A' || drive > 'Z') throw Bad("no such drive");
            if (path.Length == 2 || path[2] != '\\') throw Bad("a path on a drive begins with its backslash");
            top = drive + ":\\";
            rest = path.Substring(3);
        }
        else
        {
            string ignored;
            Split(root.EndsWith("\\", StringComparison.Ordinal) ? root : root + "\\", null, out top, out ignored);
            rest = path[0] == '\\' ? path.Substring(1) : ignored + path;
        }
    }

    public override void CheckName(string name)
    {
        foreach (char c in name) if (c < ' ') throw Bad("a name has a control character");
        if (name.IndexOfAny(Forbidden) >= 0) throw Bad("a name has a character that Windows forbids");
        char end = name[name.Length - 1];
        if (end == '.' || end == ' ') throw Bad("Windows takes no name that ends in a dot or a space");
        if (IsReserved(name)) throw Bad("Windows reserves this name for a device");
        if (name.Length > NameMax)
            throw new Refused("name-too-long", "the name is too long", null, "ERROR_FILENAME_EXCED_RANGE", null);
    }

    static bool IsNul(string name) { return string.Equals(name, "NUL", StringComparison.OrdinalIgnoreCase); }

    /// <summary>CON, COM1 and the others, also with an extension.</summary>
    static bool IsReserved(string name)
    {
        int dot = name.IndexOf('.');
        string stem = (dot < 0 ? name : name.Substring(0, dot)).TrimEnd(' ').ToUpperInvariant();
        if (stem == "CON" || stem == "PRN" || stem == "AUX" || stem == "NUL" || stem == "CONIN$" || stem == "CONOUT$")
            return true;
        bool isPort = stem.StartsWith("COM", StringComparison.Ordinal) || stem.StartsWith("LPT", StringComparison.Ordinal);
        return isPort && stem.Length == 4 && (char.IsDigit(stem[3]) || "\u00b9\u00b2\u00b3".IndexOf(stem[3]) >= 0);
    }

    static Place Nul()
    {
        Place place = new Place();
        place.Directory = "";
        place.Name = "NUL";
        place.IsNul = true;
        return place;
    }

    public override bool IsAbsolute(string path)
    {
        return path[0] == '\\' || path[0] == '/' || path.Length > 1 && path[1] == ':';
    }

    /// <summary>The form that is not limited to 260 characters.</summary>
    static string Long(string path)
    {
        if (path == "NUL") return "\\\\.\\NUL";
        return path.StartsWith("\\\\", StringComparison.Ordinal) ? "\\\\?\\UNC\\" + path.Substring(2) : "\\\\?\\" + path;
    }

    static string Short(string path)
    {
        if (path.StartsWith("\\\\?\\UNC\\", StringComparison.Ordinal)) return "\\\\" + path.Substring(8);
        return path.StartsWith("\\\\?\\", StringComparison.Ordinal) ? path.Substring(4) : path;
    }

    /// <summary>While the handle is open, neither the directory nor one above
    /// it can be renamed or replaced: what was checked stays true.</summary>
    public override IDisposable Hold(string directory, out string real)
    {
        SafeFileHandle handle = OpenDirectory(Long(directory));
        try
        {
            Win32.FileInformation found;
            Win32.Check(Win32.GetFileInformationByHandle(handle, out found));
            if ((found.Attributes & Win32.IsDirectory) == 0) throw Win32.Error(Win32.NotADirectory);
            StringBuilder made = new StringBuilder(PathMax + 1000);
            uint length = Win32.GetFinalPathNameByHandleW(handle, made, (uint)made.Capacity, 0);
            real = length > 0 && length < made.Capacity ? Short(made.ToString()) : null;
            return new Held(handle);
        }
        catch (SystemError)
        {
            handle.Close();
            throw;
        }
    }

    static SafeFileHandle OpenDirectory(string path)
    {
        uint share = Win32.ShareRead | Win32.ShareWrite;
        try
        {
            return Win32.Open(path, Win32.ListDirectory | Win32.ReadAttributes, share, Win32.OpenExisting, Win32.Backup);
        }
        catch (SystemError error)
        {
            if (error.Code != "sharing" && error.Code != "permission") throw MissingPart(path, error);
            // may be used but not listed, or somebody is about to delete it
            return Win32.Open(path, Win32.ReadAttributes, Win32.ShareAll, Win32.OpenExisting, Win32.Backup);
        }
    }

    /// <summary>Windows says "path not found" also where a file stands in the place of a directory.</summary>
    static SystemError MissingPart(string path, SystemError error)
    {
        string part = path;
        while (error.Code == "no-directory" && part.Length > 7)
        {
            int slash = part.LastIndexOf('\\');
            if (slash < 6) break;
            part = part.Substring(0, slash);
            Win32.FindData found;
            using (SafeFindHandle find = Win32.FindFirstFileW(part, out found))
            {
                if (find.IsInvalid) continue;
            }
            return (found.Attributes & Win32.IsDirectory) == 0 ? Win32.Error(Win32.NotADirectory) : error;
        }
        return error;
    }

    public override string Parent(string directory)
    {
        string trimmed = directory.TrimEnd('\\');
        int slash = trimmed.LastIndexOf('\\');
        return slash < 2 || directory.StartsWith("\\\\", StringComparison.Ordinal) && trimmed.IndexOf('\\', 2) == slash
            ? null : slash == 2 ? directory.Substring(0, 3) : trimmed.Substring(0, slash);
    }

    public override StringComparer NameComparer { get { return StringComparer.OrdinalIgnoreCase; } }
}

}
