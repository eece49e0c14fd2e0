/* Lists the named sections. Their names are in two object directories: this session's, and that of all
** sessions. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

#include <stdio.h>
#include <string.h>
#include <winternl.h>

/* OBJECT_DIRECTORY_INFORMATION of NtQueryDirectoryObject. */
typedef struct directory_entry {
  UNICODE_STRING name, type;
} directory_entry;

/* DIRECTORY_QUERY, and the room for an entry with its texts: names have at most 32767 characters. */
enum { QUERY_DIRECTORY = 1, ENTRY_SIZE = 70000 };

typedef struct listing {
  fm_entry *entries;
  size_t capacity, count;
} listing;

static LONG open_directory(HANDLE *out, wchar_t *path)
{
  typedef LONG(NTAPI *open)(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *);
  const open call = (open)(void (*)(void))fm_win32_ntdll("NtOpenDirectoryObject");
  const USHORT size = (USHORT)(wcslen(path) * sizeof *path);
  UNICODE_STRING name = {.Length = size, .MaximumLength = size, .Buffer = path};
  OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &name};
  return call(out, QUERY_DIRECTORY, &attributes);
}

/* Reads the next entry. Returns false if there are no more. *position is 0 before the first. */
static bool next_entry(directory_entry *entry, HANDLE directory, ULONG *position)
{
  typedef LONG(NTAPI *query)(HANDLE, void *, ULONG, BOOLEAN, BOOLEAN, ULONG *, ULONG *);
  const query call = (query)(void (*)(void))fm_win32_ntdll("NtQueryDirectoryObject");
  return call(directory, entry, ENTRY_SIZE, TRUE, FALSE, position, NULL) == 0;
}

static bool is_section(const directory_entry *entry)
{
  static const wchar_t section[] = L"Section";
  const size_t size = sizeof section - sizeof *section;
  return entry->type.Length == size && memcmp(entry->type.Buffer, section, size) == 0;
}

/* Writes the name in UTF-8, after the prefix. Returns false for a name that no call of this library accepts.
** */
static bool write_name(char out[FM_NAME_SIZE], const char *prefix, const UNICODE_STRING *name)
{
  fm_name parsed;
  const size_t start = strlen(prefix), length = name->Length / sizeof *name->Buffer;
  memcpy(out, prefix, start);
  const int room = (int)(FM_NAME_SIZE - 1 - start);
  const int written = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, name->Buffer, (int)length,
                                          out + start, room, NULL, NULL);
  if (written <= 0 || memchr(out + start, '\0', (size_t)written)) return false;
  out[start + (size_t)written] = '\0';
  return fm_name_parse(&parsed, out, NULL) == FM_OK;
}

/* A section that this process may not ask for its size is left out, and one that was closed meanwhile. */
static void add_section(listing *l, const char *prefix, const UNICODE_STRING *name)
{
  fm_entry entry;
  wchar_t wide[FM_NAME_SIZE];
  bool is_reserved;
  if (!write_name(entry.name, prefix, name) || fm_win32_name(wide, entry.name, NULL) != FM_OK) return;
  const HANDLE section = OpenFileMappingW(SECTION_QUERY, FALSE, wide);
  if (!section) return;
  if (fm_win32_measure(&entry.size, &is_reserved, section, NULL) == FM_OK) {
    if (l->count < l->capacity) l->entries[l->count] = entry;
    l->count++;
  }
  CloseHandle(section);
}

/* A directory that this process may not read counts as empty. */
static int list_directory(listing *l, wchar_t *path, const char *prefix, fm_error *e)
{
  HANDLE directory;
  ULONG position = 0;
  if (open_directory(&directory, path) < 0) return FM_OK;
  directory_entry *entry = LocalAlloc(LMEM_FIXED, ENTRY_SIZE);
  while (entry && next_entry(entry, directory, &position))
    if (is_section(entry)) add_section(l, prefix, &entry->name);
  LocalFree(entry);
  CloseHandle(directory);
  return entry ? FM_OK : fm_fail(e, FM_NO_MEMORY, NULL);
}

/* In session 0, that of services, both prefixes stand for the same directory. Its names are listed once, as
** Global\. */
int fm_sys_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e)
{
  enum { PATH_SIZE = 64 };
  wchar_t of_session[PATH_SIZE], of_all[] = L"\\BaseNamedObjects";
  listing l = {.entries = entries, .capacity = capacity};
  DWORD session = 0;
  int code = FM_OK;
  if (!ProcessIdToSessionId(GetCurrentProcessId(), &session)) return fm_win32_fail(e);
  _snwprintf(of_session, PATH_SIZE, L"\\Sessions\\%lu\\BaseNamedObjects", session);
  if (session != 0) code = list_directory(&l, of_session, "Local\\", e);
  if (code == FM_OK) code = list_directory(&l, of_all, "Global\\", e);
  if (code == FM_OK) *count = l.count;
  return code;
}

int fm_sys_unlink(const fm_name *name, fm_error *e)
{
  (void)name;
  return fm_fail(e, FM_UNSUPPORTED, "Windows removes a name together with its last holder");
}

#endif
