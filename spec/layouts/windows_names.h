/* The names of <windows.h> that the headers here use, for compilers that have no <windows.h>. The widths are
** Windows' own: LONG and DWORD have 32 bits everywhere. */
#ifndef WINDOWS_NAMES_H
#define WINDOWS_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define MAX_PATH 260

typedef char CHAR;
typedef unsigned char UCHAR, BYTE, BOOLEAN;
typedef int16_t SHORT;
typedef uint16_t USHORT, WORD, WCHAR;
typedef int32_t INT, LONG, BOOL, INT32, LONG32, HRESULT;
typedef uint32_t UINT, ULONG, DWORD, UINT32, ULONG32, DWORD32, COLORREF;
typedef long long LONGLONG, LONG64, INT64;
typedef unsigned long long ULONGLONG, ULONG64, DWORD64, UINT64, DWORDLONG;
typedef long long __time64_t;
typedef float FLOAT;
typedef void *HANDLE, *HWND, *HMODULE, *LPVOID, *PVOID;
typedef char *LPSTR;
typedef const char *LPCSTR;
typedef uintptr_t UINT_PTR, ULONG_PTR, DWORD_PTR, WPARAM;
typedef intptr_t INT_PTR, LONG_PTR, LPARAM;
typedef size_t SIZE_T;

typedef struct _FILETIME { DWORD dwLowDateTime, dwHighDateTime; } FILETIME;
typedef struct _GUID { ULONG Data1; USHORT Data2, Data3; UCHAR Data4[8]; } GUID;

#endif
