/* Sections and views of them. Windows itself keeps names and counts holders. This file adds to its calls the
** size of a section that another program created, and undoes the first steps of a call when a later step
** fails. */
#include "win32.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_WINDOWS

#include <stdlib.h>
#include <string.h>

/* Since Windows 10 1703; earlier ones ignore it and older headers lack it. */
#ifndef FILE_MAP_LARGE_PAGES
#define FILE_MAP_LARGE_PAGES 0x20000000
#endif

/* {-- Queries of ntdll ---------------------------------------------------------------------------- */

static DWORD win32_of(LONG status)
{
  typedef ULONG(NTAPI *convert)(LONG);
  return ((convert)(void (*)(void))fm_win32_ntdll("RtlNtStatusToDosError"))(status);
}

/* SECTION_BASIC_INFORMATION, class 0 of NtQuerySection. */
typedef struct section_info {
  void *base;
  ULONG attributes; /* SEC_... */
  LARGE_INTEGER size;
} section_info;

/* Returns a Win32 error, or 0. The handle must have the right SECTION_QUERY. */
static DWORD query_section(section_info *out, HANDLE section)
{
  typedef LONG(NTAPI *query)(HANDLE, int, void *, SIZE_T, SIZE_T *);
  const query ask = (query)(void (*)(void))fm_win32_ntdll("NtQuerySection");
  const LONG status = ask(section, 0, out, sizeof *out, NULL);
  return status < 0 ? win32_of(status) : 0;
}

/* {-- Sections --------------------------------------------------------------------------------- */

/* PAGE_READONLY "allows views to be mapped for read-only or copy-on-write access", so a map with the access
** "copy" needs no other protection. */
DWORD fm_win32_protection(bool write, bool execute)
{
  if (execute) return write ? PAGE_EXECUTE_READWRITE : PAGE_EXECUTE_READ;
  return write ? PAGE_READWRITE : PAGE_READONLY;
}

/* CreateFileMapping opens a section that exists with all rights. If the section grants this process only
** reading, CreateFileMapping fails with ERROR_ACCESS_DENIED, but the name is taken. */
static bool is_taken(const wchar_t *name)
{
  HANDLE other = OpenFileMappingW(FILE_MAP_READ, FALSE, name);
  if (other) CloseHandle(other);
  return other != NULL;
}

int fm_win32_check_free(const char *name, fm_error *e)
{
  wchar_t wide[FM_NAME_SIZE];
  if (!name || !name[0]) return FM_OK;
  const int code = fm_win32_name(wide, name, e);
  if (code != FM_OK) return code;
  return is_taken(wide) ? fm_fail_native(e, ERROR_ALREADY_EXISTS) : FM_OK;
}

/* "If lpName matches the name of an existing event, semaphore, mutex, waitable timer, or job
** object, the function fails, and the GetLastError function returns ERROR_INVALID_HANDLE." */
static int fail_name(fm_error *e, DWORD error)
{
  if (error == ERROR_INVALID_HANDLE)
    return fm_win32_fail_as(e, FM_INVALID, error, "the name stands for another kind of object");
  return fm_fail_native(e, (long)error);
}

int fm_win32_make_section(HANDLE *out, const fm_section_spec *s, fm_error *e)
{
  wchar_t wide[FM_NAME_SIZE];
  const wchar_t *name = NULL;
  SECURITY_ATTRIBUTES attributes = {sizeof attributes, s->security, s->inherit};
  if (s->name && s->name[0]) {
    const int code = fm_win32_name(wide, s->name, e);
    if (code != FM_OK) return code;
    name = wide;
  }
  /* The system rounds sizes up to pages, in signed 64-bit numbers. */
  if (s->size > INT64_MAX - 0xffff)
    return fm_fail(e, FM_TOO_LARGE, "a section cannot have %llu bytes", (unsigned long long)s->size);
  SetLastError(0);
  HANDLE made = CreateFileMappingW(s->file, &attributes, s->protect, (DWORD)(s->size >> 32),
                                   (DWORD)s->size, name);
  const DWORD error = GetLastError();
  /* "If the object exists before the function call, the function returns a handle to the existing
  ** object (with its current size, not the specified size)". */
  if (made && error == ERROR_ALREADY_EXISTS && name && !s->shared) {
    CloseHandle(made);
    return fm_fail_native(e, ERROR_ALREADY_EXISTS);
  }
  if (made) {
    *out = made;
    return FM_OK;
  }
  if (!name) return fm_fail_native(e, (long)error);
  if (error == ERROR_ACCESS_DENIED && is_taken(name)) return fail_name(e, ERROR_ALREADY_EXISTS);
  return fail_name(e, error);
}

/* Refuses a size that the system cannot have at all, before it begins to allocate. */
static int check_memory(uint64_t size, fm_error *e)
{
  MEMORYSTATUSEX status;
  status.dwLength = sizeof status;
  if (!GlobalMemoryStatusEx(&status) || size <= status.ullAvailPageFile) return FM_OK;
  return fm_fail(e, FM_NO_MEMORY, "%llu bytes were asked for, %llu are available",
                 (unsigned long long)size, (unsigned long long)status.ullAvailPageFile);
}

/* Sections of large pages are always committed. */
static int use_large_pages(fm_section_spec *s, fm_error *e)
{
  const uint64_t page = GetLargePageMinimum(), past = page ? s->size % page : 0;
  if (page == 0) return fm_fail(e, FM_UNSUPPORTED, "this system has no large pages");
  /* "The maximum size of the file mapping object must be a multiple of the minimum size of a large page
  ** returned by the GetLargePageMinimum function." Sizes are below 2^63, so the sum does not overflow. */
  if (past) s->size += page - past;
  s->protect |= SEC_LARGE_PAGES | SEC_COMMIT;
  return FM_OK;
}

/* Another process can open the section as soon as it exists. The first eight bytes are written last, so that
** it can see that the others are there. */
static int write_initial(HANDLE section, const fm_request *r, fm_error *e)
{
  if (r->initial_size == 0) return FM_OK;
  unsigned char *to = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, r->initial_size);
  if (!to) return fm_win32_fail(e);
  if (!r->options.commit && !VirtualAlloc(to, r->initial_size, MEM_COMMIT, PAGE_READWRITE)) {
    UnmapViewOfFile(to);
    return fm_win32_fail(e);
  }
  const unsigned char *from = r->initial;
  const size_t first = r->initial_size < 8 ? r->initial_size : 8;
  memcpy(to + first, from + first, r->initial_size - first);
  atomic_thread_fence(memory_order_seq_cst);
  memcpy(to, from, first);
  UnmapViewOfFile(to);
  return FM_OK;
}

static void fill_section(fm_section *s, HANDLE handle, const fm_name *name, bool is_reserved)
{
  *s = (fm_section){.handle = (intptr_t)handle, .is_reserved = is_reserved};
  if (name && name->full) strcpy(s->name, name->full); /* fm_name_parse checked that it fits */
}

int fm_sys_create(fm_section *s, const fm_name *name, const fm_request *r, fm_error *e)
{
  /* The section allows writing even if this map does not, since others may open it to write. */
  fm_section_spec spec = {.file = INVALID_HANDLE_VALUE, .size = r->options.size, .name = name->full,
                          .inherit = r->options.inherit,
                          .protect = fm_win32_protection(true, r->options.access & FM_EXEC)};
  HANDLE made = NULL;
  int code = fm_win32_check_free(name->full, e);
  if (code == FM_OK && r->options.commit) code = check_memory(r->options.size, e);
  if (r->win32 && r->win32->protect) spec.protect = r->win32->protect;
  else if (code == FM_OK && r->options.large_pages) code = use_large_pages(&spec, e);
  else spec.protect |= r->options.commit ? SEC_COMMIT : SEC_RESERVE;
  if (code == FM_OK) code = fm_win32_read_sddl(&spec.security, r->options.sddl, e);
  if (code == FM_OK) code = fm_win32_make_section(&made, &spec, e);
  LocalFree(spec.security);
  FM_TEST_HOOK("section");
  if (code != FM_OK) return code;
  fill_section(s, made, name, spec.protect & SEC_RESERVE);
  if (r->prepare) code = r->prepare(r->context, s, e);
  if (code == FM_OK) code = write_initial(made, r, e);
  if (code != FM_OK) CloseHandle(made);
  return code;
}

/* {-- Sections of other programs ------------------------------------------------------------------ */

/* Finds the size of a section that grants FILE_MAP_READ but not SECTION_QUERY: it maps the whole section and
** measures the view. */
static int measure_view(uint64_t *size, HANDLE handle, fm_error *e)
{
  MEMORY_BASIC_INFORMATION part;
  const char *base = MapViewOfFile(handle, FILE_MAP_READ, 0, 0, 0);
  if (!base) return fm_win32_fail(e);
  *size = 0;
  while (VirtualQuery(base + (size_t)*size, &part, sizeof part) && part.AllocationBase == base)
    *size += part.RegionSize;
  UnmapViewOfFile(base);
  return FM_OK;
}

/* A section that does not grant SECTION_QUERY may be reserved, and an image may have pages that cannot be
** read. So accesses to both must check their pages. */
int fm_win32_measure(uint64_t *size, bool *reserved, HANDLE handle, fm_error *e)
{
  section_info info;
  const DWORD error = query_section(&info, handle);
  *reserved = error == ERROR_ACCESS_DENIED || (!error && (info.attributes & (SEC_RESERVE | SEC_IMAGE)));
  if (error == ERROR_ACCESS_DENIED) return measure_view(size, handle, e);
  if (error == ERROR_INVALID_HANDLE)
    return fm_win32_fail_as(e, FM_INVALID, error, "the handle is not one of a section");
  if (error) return fm_fail_native(e, (long)error);
  *size = (uint64_t)info.size.QuadPart;
  return FM_OK;
}

/* FILE_MAP_COPY alone makes a private copy that can be written. Together with FILE_MAP_WRITE it would make a
** shared view. */
static DWORD view_access(int access)
{
  const DWORD data = access & FM_COPY ? FILE_MAP_COPY
                   : access & FM_WRITE ? FILE_MAP_READ | FILE_MAP_WRITE : FILE_MAP_READ;
  return access & FM_EXEC ? data | FILE_MAP_EXECUTE : data;
}

/* Checks by mapping a page that a section grants an access: it depends on the rights of the handle and on the
** section's protection. If the protection does not allow the access, the error is ERROR_INVALID_PARAMETER. */
static int try_access(HANDLE handle, int access, fm_error *e)
{
  void *base = MapViewOfFile(handle, view_access(access), 0, 0, 1);
  if (base) {
    UnmapViewOfFile(base);
    return FM_OK;
  }
  const DWORD error = GetLastError();
  if (error == ERROR_ACCESS_DENIED || error == ERROR_INVALID_PARAMETER)
    return fm_win32_fail_as(e, FM_DENIED, error, "the section does not grant that access");
  return fm_fail_native(e, (long)error);
}

/* The option asks for a new section of large pages. One that exists must have them too. */
static int check_large_pages(HANDLE handle, const fm_request *r, fm_error *e)
{
  section_info info;
  if (!r->options.large_pages) return FM_OK;
  if (query_section(&info, handle) == 0 && (info.attributes & SEC_LARGE_PAGES)) return FM_OK;
  return fm_fail(e, FM_UNSUPPORTED, "the section exists already, without large pages");
}

/* Checks the size and the access of a section that another program may have created. `least` is in bytes. */
static int check_section(uint64_t *size, bool *is_reserved, HANDLE handle, uint64_t least, int access,
                         fm_error *e)
{
  int code = fm_win32_measure(size, is_reserved, handle, e);
  if (code == FM_OK && least > *size) code = fm_win32_fail_small(e, *size, least);
  return code == FM_OK ? try_access(handle, access, e) : code;
}

static int open_section(HANDLE *out, const fm_name *name, int access, bool inherit, fm_error *e)
{
  wchar_t wide[FM_NAME_SIZE];
  /* "Mapping a copy-on-write view of a file-mapping object requires the same access as mapping a read-only
  ** view. The FILE_MAP_COPY flag is not an access right". Executable views need SECTION_MAP_EXECUTE, which is
  ** not the bit FILE_MAP_EXECUTE. */
  const DWORD rights = FILE_MAP_READ | (access & FM_WRITE ? FILE_MAP_WRITE : 0u)
                     | (access & FM_EXEC ? SECTION_MAP_EXECUTE : 0u);
  const int code = fm_win32_name(wide, name->full, e);
  if (code != FM_OK) return code;
  *out = OpenFileMappingW(rights | SECTION_QUERY, inherit, wide);
  if (!*out && GetLastError() == ERROR_ACCESS_DENIED)
    *out = OpenFileMappingW(rights, inherit, wide);
  return *out ? FM_OK : fail_name(e, GetLastError());
}

int fm_sys_open(fm_section *s, uint64_t *size, const fm_name *name, const fm_request *r, fm_error *e)
{
  HANDLE opened = NULL;
  bool is_reserved = false;
  int code = open_section(&opened, name, r->options.access, r->options.inherit, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("opened");
  code = check_large_pages(opened, r, e);
  if (code == FM_OK) code = check_section(size, &is_reserved, opened, r->options.size, r->options.access, e);
  if (code == FM_OK) fill_section(s, opened, name, is_reserved);
  else CloseHandle(opened);
  return code;
}

int fm_sys_adopt(fm_section *s, intptr_t handle, uint64_t size, int access, fm_error *e)
{
  uint64_t has = 0;
  bool is_reserved = false;
  const int code = check_section(&has, &is_reserved, fm_win32_handle(handle), size, access, e);
  if (code != FM_OK) return code;
  if (!SetHandleInformation(fm_win32_handle(handle), HANDLE_FLAG_INHERIT, 0)) return fm_win32_fail(e);
  fill_section(s, fm_win32_handle(handle), NULL, is_reserved);
  s->is_adopted = true;
  return FM_OK;
}

/* The system removes a section and its name with the last handle and view. */
void fm_sys_close(fm_section *s)
{
  if (s->handle) CloseHandle(fm_win32_handle(s->handle));
  if (s->file) CloseHandle(fm_win32_handle(s->file));
}

intptr_t fm_sys_handle(fm_section *s)
{
  return s->handle;
}

bool fm_sys_is_shared(const fm_section *s)
{
  return s->name[0] || s->is_file || s->is_adopted;
}

bool fm_sys_is_reserved(const fm_section *s)
{
  return s->is_reserved;
}

size_t fm_sys_unit(const fm_section *s)
{
  (void)s;
  return fm_granularity();
}

/* Only sync objects in shared memory need an identity, and here sync objects are the system's own. */
int fm_sys_identify(fm_identity *out, const fm_section *s, fm_error *e)
{
  (void)out, (void)s;
  return fm_fail(e, FM_UNSUPPORTED, NULL);
}

bool fm_sys_is_same(const fm_identity *a, const fm_identity *b)
{
  return a == b;
}

/* {-- Views ------------------------------------------------------------------------------------ */

/* "Starting in Windows 10, version 1703, the MapViewOfFile function maps a view using small pages by default,
** even for file mapping objects created with the SEC_LARGE_PAGES flag." A view with large pages consists of
** whole ones. Returns its length in bytes, or 0 for a view with small pages. */
static size_t large_length(HANDLE handle, uint64_t offset, size_t length)
{
  const size_t page = GetLargePageMinimum();
  section_info info;
  if (page == 0 || offset % page != 0 || length > SIZE_MAX - page) return 0;
  if (query_section(&info, handle) != 0 || !(info.attributes & SEC_LARGE_PAGES)) return 0;
  return (length + page - 1) / page * page;
}

int fm_sys_map(fm_mapped *m, fm_section *s, uint64_t offset, int access, fm_error *e)
{
  HANDLE handle = fm_win32_handle(s->handle);
  const size_t large = large_length(handle, offset, m->length);
  const DWORD how = view_access(access) | (large ? FILE_MAP_LARGE_PAGES : 0u);
  void *base = MapViewOfFile(handle, how, (DWORD)(offset >> 32), (DWORD)offset, large ? large : m->length);
  if (!base) return fm_win32_fail(e);
  m->base = base;
  return FM_OK;
}

/* A mapping that lost pages was replaced by private memory (lost_pages.c). */
void fm_sys_unmap(fm_mapped *m)
{
  if (!m->lost || !VirtualFree(m->base, 0, MEM_RELEASE)) UnmapViewOfFile(m->base);
}

/* FlushViewOfFile "does not flush the file metadata, and it does not wait to return until the
** changes are flushed from the underlying hardware disk cache and physically written to disk. To
** flush all the dirty pages plus the metadata for the file and ensure that they are physically
** written to disk, call FlushViewOfFile and then call the FlushFileBuffers function." */
int fm_sys_flush(fm_section *s, void *address, size_t length, bool async, fm_error *e)
{
  if (!FlushViewOfFile(address, length)) return fm_win32_fail(e);
  if (async || !s->file) return FM_OK;
  return FlushFileBuffers(fm_win32_handle(s->file)) ? FM_OK : fm_win32_fail(e);
}

/* Windows has a call for FM_WILLNEED only. */
void fm_sys_advise(void *address, size_t length, fm_hint hint, bool is_private)
{
  (void)is_private;
  WIN32_MEMORY_RANGE_ENTRY range = {address, length};
  typedef BOOL(WINAPI *prefetch)(HANDLE, ULONG_PTR, WIN32_MEMORY_RANGE_ENTRY *, ULONG);
  if (hint != FM_WILLNEED) return;
  /* Windows 8 and later have it. */
  const prefetch load = (prefetch)(void (*)(void))GetProcAddress(GetModuleHandleW(L"kernel32.dll"),
                                                                 "PrefetchVirtualMemory");
  if (load) load(GetCurrentProcess(), 1, &range, 0);
}

/* The pages of other sections are committed from the start. Pages that one view commits are committed in all
** views. */
int fm_sys_commit(fm_section *s, uint64_t offset, void *address, size_t length, int access, fm_error *e)
{
  (void)offset;
  const DWORD shared = fm_win32_protection(access & FM_WRITE, access & FM_EXEC);
  const DWORD protect = access & FM_COPY ? PAGE_WRITECOPY : shared;
  if (!s->is_reserved || VirtualAlloc(address, length, MEM_COMMIT, protect)) return FM_OK;
  return fm_win32_fail(e);
}

bool fm_sys_is_committed(const void *address, size_t length)
{
  MEMORY_BASIC_INFORMATION part;
  const char *at = address, *end = at + length;
  while (at < end) {
    if (!VirtualQuery(at, &part, sizeof part) || part.State != MEM_COMMIT) return false;
    if (part.Protect & (PAGE_NOACCESS | PAGE_GUARD)) return false;
    at = (const char *)part.BaseAddress + part.RegionSize;
  }
  return true;
}

#endif
