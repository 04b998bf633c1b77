using System;
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Guestwire
{

static class Win32
{
    public const uint GenericRead = 0x80000000, GenericWrite = 0x40000000, DeleteAccess = 0x10000;
    public const uint ListDirectory = 1, ReadAttributes = 0x80, WriteAttributes = 0x100;
    public const uint ShareRead = 1, ShareWrite = 2, ShareDelete = 4, ShareAll = 7;
    public const uint CreateNew = 1, OpenExisting = 3;
    public const uint Normal = 0x80, Backup = 0x02000000, OpenReparsePoint = 0x00200000,
        DeleteOnClose = 0x04000000, Overlapped = 0x40000000;
    public const uint SecurityOwner = 1, SecurityGroup = 2, SecurityList = 4;      // SECURITY_INFORMATION
    public const uint NoAttributes = 0xffffffff;            // INVALID_FILE_ATTRIBUTES
    public const int BufferTooSmall = 122;
    public const uint IsReadOnly = 1, IsHidden = 2, IsSystem = 4, IsDirectory = 0x10, IsReparsePoint = 0x400;
    public const uint TagLink = 0xa000000c, TagMountPoint = 0xa0000003;
    public const int SharingViolation = 32, FileExists = 80, AlreadyExists = 183, NotADirectory = 267, Pending = 997,
        NotAReparsePoint = 4390;
    public const uint MoveReplace = 1, MoveWriteThrough = 8;
    public const uint LinkToDirectory = 1, LinkUnprivileged = 2;    // of CreateSymbolicLink
    public const uint GetReparsePoint = 0x900a8;            // of DeviceIoControl
    public const uint LineBinary = 1, LineDtrOn = 1 << 4, LineRtsOn = 1 << 12;      // of LineSettings.Flags
    public const int CloseEvent = 2;        // of a ControlHandler; below it are Ctrl-C and Ctrl-Break
    public const int FromStart = 0;         // of SetFilePointerEx

    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    public struct FileInformation
    {
        public uint Attributes;
        public long Created, Accessed, Written;
        public uint Volume, SizeHigh, SizeLow, Links, IndexHigh, IndexLow;
    }

    [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode, Pack = 4)]
    public struct FindData
    {
        public uint Attributes;
        public long Created, Accessed, Written;
        public uint SizeHigh, SizeLow, Tag, Reserved;
        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 260)] public string Name;
        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 14)] public string ShortName;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct LineSettings              // DCB
    {
        public uint Size, BaudRate, Flags;
        public ushort Reserved, XonLimit, XoffLimit;
        public byte ByteSize, Parity, StopBits, Xon, Xoff, Error, Eof, Event;
        public ushort Reserved1;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct LineTimes                 // COMMTIMEOUTS
    {
        public uint ReadInterval, ReadMultiplier, ReadConstant, WriteMultiplier, WriteConstant;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct LineState { public uint Flags, InputBytes, OutputBytes; }     // COMSTAT

    public delegate bool ControlHandler(int what);

    const string Kernel = "kernel32.dll", Security = "advapi32.dll";

    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern SafeFileHandle CreateFileW(string name, uint access, uint share, IntPtr security, uint how,
                                                    uint flags, IntPtr template);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool ReadFile(SafeFileHandle file, IntPtr data, int count, out int done, IntPtr overlapped);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool WriteFile(SafeFileHandle file, IntPtr data, int count, out int done, IntPtr overlapped);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool GetOverlappedResult(SafeFileHandle file, IntPtr overlapped, out int done, bool wait);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool SetFilePointerEx(SafeFileHandle file, long distance, IntPtr made, int method);
    [DllImport(Kernel, SetLastError = true)] public static extern bool SetEndOfFile(SafeFileHandle file);
    [DllImport(Kernel, SetLastError = true)] public static extern bool FlushFileBuffers(SafeFileHandle file);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool SetFileTime(SafeFileHandle file, IntPtr created, IntPtr accessed, ref long written);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool GetFileInformationByHandle(SafeFileHandle file, out FileInformation made);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern uint GetFinalPathNameByHandleW(SafeFileHandle file, StringBuilder made, uint size, uint flags);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern SafeFindHandle FindFirstFileW(string name, out FindData made);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern bool FindNextFileW(SafeFindHandle find, out FindData made);
    [DllImport(Kernel)] public static extern bool FindClose(IntPtr find);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern bool MoveFileExW(string from, string to, uint flags);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)] public static extern bool DeleteFileW(string name);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)] static extern uint GetFileAttributesW(string name);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern bool SetFileAttributesW(string name, uint attributes);
    [DllImport(Security, SetLastError = true, CharSet = CharSet.Unicode)]
    static extern bool GetFileSecurityW(string name, uint what, byte[] made, uint size, out uint needed);
    [DllImport(Security, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern bool SetFileSecurityW(string name, uint what, byte[] descriptor);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern bool CreateDirectoryW(string name, IntPtr security);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern byte CreateSymbolicLinkW(string name, string target, uint flags);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool DeviceIoControl(SafeFileHandle file, uint code, IntPtr given, int givenSize, byte[] made,
                                              int size, out int done, IntPtr overlapped);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern bool GetDiskFreeSpaceExW(string directory, out long free, out long total, out long all);
    [DllImport(Kernel, SetLastError = true, CharSet = CharSet.Unicode)]
    public static extern uint QueryDosDeviceW(string name, char[] made, uint size);
    [DllImport(Kernel, SetLastError = true)] public static extern bool SetupComm(SafeFileHandle port, uint input, uint output);
    [DllImport(Kernel, SetLastError = true)] public static extern bool GetCommState(SafeFileHandle port, ref LineSettings made);
    [DllImport(Kernel, SetLastError = true)] public static extern bool SetCommState(SafeFileHandle port, ref LineSettings settings);
    [DllImport(Kernel, SetLastError = true)] public static extern bool SetCommTimeouts(SafeFileHandle port, ref LineTimes times);
    [DllImport(Kernel, SetLastError = true)]
    public static extern bool ClearCommError(SafeFileHandle port, out uint errors, out LineState state);
    [DllImport(Kernel, SetLastError = true)] public static extern bool SetConsoleCtrlHandler(ControlHandler handler, bool add);

    /// <summary>No such file or path, an invalid handle, a device that knows no such command, doesn't work, is
    /// gone, isn't there, isn't connected, was removed.</summary>
    static readonly int[] GoneNumbers = { 2, 3, 6, 22, 31, 55, 433, 1167, 1617 };

    public static SystemError Error() { return Error(Marshal.GetLastWin32Error()); }

    public static SystemError Error(int number)
    {
        string message = new Win32Exception(number).Message;
        bool gone = Array.IndexOf(GoneNumbers, number) >= 0;
        switch (number)
        {
            case 2: return new SystemError("no-directory", "ERROR_FILE_NOT_FOUND", message, gone);
            case 3: return new SystemError("no-directory", "ERROR_PATH_NOT_FOUND", message, gone);
            case 5: return new SystemError("permission", "ERROR_ACCESS_DENIED", message, gone);
            case 15: return new SystemError("no-directory", "ERROR_INVALID_DRIVE", message, gone);
            case 19: return new SystemError("read-only-filesystem", "ERROR_WRITE_PROTECT", message, gone);
            case 32: return new SystemError("sharing", "ERROR_SHARING_VIOLATION", message, gone);
            case 33: return new SystemError("sharing", "ERROR_LOCK_VIOLATION", message, gone);
            case 39: return new SystemError("no-space", "ERROR_HANDLE_DISK_FULL", message, gone);
            case 53: return new SystemError("no-directory", "ERROR_BAD_NETPATH", message, gone);
            case 67: return new SystemError("no-directory", "ERROR_BAD_NET_NAME", message, gone);
            case 80: return new SystemError("exists", "ERROR_FILE_EXISTS", message, gone);
            case 112: return new SystemError("no-space", "ERROR_DISK_FULL", message, gone);
            case 123: return new SystemError("bad-name", "ERROR_INVALID_NAME", message, gone);
            case 161: return new SystemError("bad-name", "ERROR_BAD_PATHNAME", message, gone);
            case 183: return new SystemError("exists", "ERROR_ALREADY_EXISTS", message, gone);
            case 206: return new SystemError("name-too-long", "ERROR_FILENAME_EXCED_RANGE", message, gone);
            case 223: return new SystemError("too-large", "ERROR_FILE_TOO_LARGE", message, gone);
            case 267: return new SystemError("not-a-directory", "ERROR_DIRECTORY", message, gone);
            case 303: return new SystemError("sharing", "ERROR_DELETE_PENDING", message, gone);
            case 1295: return new SystemError("quota", "ERROR_DISK_QUOTA_EXCEEDED", message, gone);
            case 1314: return new SystemError("permission", "ERROR_PRIVILEGE_NOT_HELD", message, gone);
            default: return new SystemError("io", "WIN32_" + number, message, gone);
        }
    }

    public static void Check(bool fine)
    {
        if (!fine) throw Error();
    }

    /// <summary>0 where they can't be had.</summary>
    public static uint AttributesOf(string name)
    {
        uint attributes = GetFileAttributesW(name);
        return attributes == NoAttributes ? 0 : attributes;
    }

    /// <summary>A security descriptor with these parts.</summary>
    public static byte[] SecurityOf(string name, uint what)
    {
        uint size;
        if (!GetFileSecurityW(name, what, new byte[0], 0, out size) && Marshal.GetLastWin32Error() != BufferTooSmall)
            throw Error();
        byte[] made = new byte[size];
        Check(GetFileSecurityW(name, what, made, size, out size));
        return made;
    }

    public static SafeFileHandle Open(string name, uint access, uint share, uint how, uint flags)
    {
        SafeFileHandle handle = CreateFileW(name, access, share, IntPtr.Zero, how, flags, IntPtr.Zero);
        if (!handle.IsInvalid) return handle;
        SystemError error = Error();
        handle.Close();
        throw error;
    }

    const long Epoch = 116444736000000000;  // 1970 in the 100 ns since 1601 that Windows counts

    public static long ToUnix(long time)
    {
        return (time - Epoch) * 100;
    }

    public static void SetTime(SafeFileHandle file, long nanoseconds, Notes notes)
    {
        long time = Epoch + nanoseconds / 100 - (nanoseconds % 100 < 0 ? 1 : 0);
        if (time <= 0)                      // before 1601
        {
            time = 1;
            notes.Add("times");
        }
        notes.Attempt("times", delegate { Check(SetFileTime(file, IntPtr.Zero, IntPtr.Zero, ref time)); });
    }
}

class SafeFindHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public SafeFindHandle() : base(true) { }
    protected override bool ReleaseHandle() { return Win32.FindClose(handle); }
}

}
