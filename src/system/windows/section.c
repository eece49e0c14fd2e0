/* The Win32 body: sections and views, by the calls of kernel32 and advapi32. Names, holders and lifetime are
** the kernel's own here. This file adds what the calls do not give: the size of a section that somebody else
** made, and failures that leave nothing half done. Files are file_win32.c's. */
#include "win32.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_WINDOWS

#include <sddl.h>
#include <stdlib.h>
#include <string.h>

/* Since Windows 10 1703; earlier ones ignore it and older headers lack it. */
#ifndef FILE_MAP_LARGE_PAGES
#define FILE_MAP_LARGE_PAGES 0x20000000
#endif

/* {-- What only ntdll tells -------------------------------------------------------------------- */

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

/* Returns a Win32 error, 0 if there was none. Takes SECTION_QUERY. */
static DWORD query_section(section_info *out, HANDLE section)
{
  typedef LONG(NTAPI *query)(HANDLE, int, void *, SIZE_T, SIZE_T *);
  const query ask = (query)(void (*)(void))fm_win32_ntdll("NtQuerySection");
  const LONG status = ask(section, 0, out, sizeof *out, NULL);
  return status < 0 ? win32_of(status) : 0;
}

/* {-- Sections --------------------------------------------------------------------------------- */

/* The section must let through what any view of it may ask for. PAGE_READONLY "allows views to be
** mapped for read-only or copy-on-write access", so a copying map needs no more. */
DWORD fm_win32_protection(bool write, bool execute)
{
  if (execute) return write ? PAGE_EXECUTE_READWRITE : PAGE_EXECUTE_READ;
  return write ? PAGE_READWRITE : PAGE_READONLY;
}

/* A name that its owner keeps from us is taken all the same: CreateFileMapping asks for all rights
** to what is there, which a descriptor may refuse to one whom it lets read. */
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
  /* The system rounds sizes up to pages, in 64 bits with a sign. */
  if (s->size > INT64_MAX - 0xffff)
    return fm_fail(e, FM_TOO_LARGE, "no section has %llu bytes", (unsigned long long)s->size);
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

int fm_win32_read_sddl(void **out, const char *sddl, fm_error *e)
{
  wchar_t *wide = NULL;
  if (!sddl) return FM_OK;
  const int code = fm_win32_wide(&wide, sddl, e);
  if (code != FM_OK) return code;
  const BOOL done = ConvertStringSecurityDescriptorToSecurityDescriptorW(wide, SDDL_REVISION_1, out,
                                                                         NULL);
  const DWORD error = GetLastError();
  free(wide);
  if (done) return FM_OK;
  if (error == ERROR_NOT_ENOUGH_MEMORY) return fm_fail_native(e, (long)error);
  return fm_win32_fail_as(e, FM_INVALID, error, "the sddl is not a security descriptor");
}

/* What cannot be had at all is refused before the system begins to look for it. */
static int check_memory(uint64_t size, fm_error *e)
{
  MEMORYSTATUSEX status;
  status.dwLength = sizeof status;
  if (!GlobalMemoryStatusEx(&status) || size <= status.ullAvailPageFile) return FM_OK;
  return fm_fail(e, FM_NO_MEMORY, "%llu bytes were asked for, %llu are available",
                 (unsigned long long)size, (unsigned long long)status.ullAvailPageFile);
}

/* Large pages are committed always: the system has no others. */
static int use_large_pages(fm_section_spec *s, fm_error *e)
{
  const uint64_t page = GetLargePageMinimum(), past = page ? s->size % page : 0;
  if (page == 0) return fm_fail(e, FM_UNSUPPORTED, "this system has no large pages");
  /* "The maximum size of the file mapping object must be a multiple of the minimum size of a large
  ** page returned by the GetLargePageMinimum function." Sizes end below 2^63: no sum wraps. */
  if (past) s->size += page - past;
  s->protect |= SEC_LARGE_PAGES | SEC_COMMIT;
  return FM_OK;
}

/* Others can open a section as soon as it is made: for them the first eight bytes tell that the rest is there. */
static int write_initial(HANDLE section, const fm_request *o, fm_error *e)
{
  if (o->initial_size == 0) return FM_OK;
  unsigned char *to = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, o->initial_size);
  if (!to) return fm_win32_fail(e);
  if (!o->commit && !VirtualAlloc(to, o->initial_size, MEM_COMMIT, PAGE_READWRITE)) {
    UnmapViewOfFile(to);
    return fm_win32_fail(e);
  }
  const unsigned char *from = o->initial;
  const size_t first = o->initial_size < 8 ? o->initial_size : 8;
  memcpy(to + first, from + first, o->initial_size - first);
  atomic_thread_fence(memory_order_seq_cst);
  memcpy(to, from, first);
  UnmapViewOfFile(to);
  return FM_OK;
}

static void keep(fm_section *s, HANDLE handle, const fm_name *name, bool is_reserved)
{
  *s = (fm_section){.handle = (intptr_t)handle, .is_reserved = is_reserved};
  if (name && name->full) strcpy(s->name, name->full); /* fm_name_parse checked that it fits */
}

int fm_sys_create(fm_section *s, const fm_name *name, const fm_request *r, fm_error *e)
{
  /* Whatever this map may do itself, others open the section as they like and may. */
  fm_section_spec spec = {.file = INVALID_HANDLE_VALUE, .protect = fm_win32_protection(true, r->access & FM_EXEC),
                          .size = r->size, .name = name->full, .inherit = r->inherit};
  HANDLE made = NULL;
  int code = fm_win32_check_free(name->full, e);
  if (code == FM_OK && r->commit) code = check_memory(r->size, e);
  if (r->protect) spec.protect = r->protect;
  else if (code == FM_OK && r->large_pages) code = use_large_pages(&spec, e);
  else spec.protect |= r->commit ? SEC_COMMIT : SEC_RESERVE;
  if (code == FM_OK) code = fm_win32_read_sddl(&spec.security, r->sddl, e);
  if (code == FM_OK) code = fm_win32_make_section(&made, &spec, e);
  LocalFree(spec.security);
  FM_TEST_HOOK("section");
  if (code == FM_OK && (code = write_initial(made, r, e)) != FM_OK) CloseHandle(made);
  if (code == FM_OK) keep(s, made, name, spec.protect & SEC_RESERVE);
  return code;
}

/* {-- Sections of others ----------------------------------------------------------------------- */

/* The size of a section that can be read but not asked, because a descriptor gives just
** FILE_MAP_READ: that of the whole of it, mapped. */
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

/* What cannot be asked may be reserved, and of an image not every page is to be read: then each access looks. */
int fm_win32_measure(uint64_t *size, bool *reserved, HANDLE handle, fm_error *e)
{
  section_info info;
  const DWORD error = query_section(&info, handle);
  *reserved = error == ERROR_ACCESS_DENIED || (!error && (info.attributes & (SEC_RESERVE | SEC_IMAGE)));
  if (error == ERROR_ACCESS_DENIED) return measure_view(size, handle, e);
  if (error == ERROR_INVALID_HANDLE)
    return fm_win32_fail_as(e, FM_INVALID, error, "it is not the handle of a section");
  if (error) return fm_fail_native(e, (long)error);
  *size = (uint64_t)info.size.QuadPart;
  return FM_OK;
}

/* FILE_MAP_COPY stands for reading and writing; with FILE_MAP_WRITE beside it others would see what
** is written. */
static DWORD view_access(int access)
{
  const DWORD data = access & FM_COPY ? FILE_MAP_COPY
                   : access & FM_WRITE ? FILE_MAP_READ | FILE_MAP_WRITE : FILE_MAP_READ;
  return access & FM_EXEC ? data | FILE_MAP_EXECUTE : data;
}

/* Does a section that somebody else made give an access? The handle's rights say only half of it,
** the section's protection counts too, so try. For a protection that does not fit, the system's
** word is ERROR_INVALID_PARAMETER. */
static int try_access(HANDLE handle, int access, fm_error *e)
{
  void *base = MapViewOfFile(handle, view_access(access), 0, 0, 1);
  if (base) {
    UnmapViewOfFile(base);
    return FM_OK;
  }
  const DWORD error = GetLastError();
  if (error == ERROR_ACCESS_DENIED || error == ERROR_INVALID_PARAMETER)
    return fm_win32_fail_as(e, FM_DENIED, error, "the section does not give that access");
  return fm_fail_native(e, (long)error);
}

/* Checks a section that another program made. `wanted` is the least size, or 0. */
static int check_section(uint64_t *size, bool *is_reserved, HANDLE handle, uint64_t wanted, int access, fm_error *e)
{
  int code = fm_win32_measure(size, is_reserved, handle, e);
  if (code == FM_OK && wanted > *size) code = fm_win32_fail_small(e, *size, wanted);
  return code == FM_OK ? try_access(handle, access, e) : code;
}

static int open_section(HANDLE *out, const fm_name *name, int access, bool inherit, fm_error *e)
{
  wchar_t wide[FM_NAME_SIZE];
  /* "Mapping a copy-on-write view of a file-mapping object requires the same access as mapping a
  ** read-only view. The FILE_MAP_COPY flag is not an access right". What executable views take of
  ** the handle is SECTION_MAP_EXECUTE; FILE_MAP_EXECUTE is another bit. */
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
  int code = open_section(&opened, name, r->access, r->inherit, e);
  if (code != FM_OK) return code;
  FM_TEST_HOOK("opened");
  code = check_section(size, &is_reserved, opened, r->size, r->access, e);
  if (code == FM_OK) keep(s, opened, name, is_reserved);
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
  keep(s, fm_win32_handle(handle), NULL, is_reserved);
  s->is_adopted = true;
  return FM_OK;
}

/* Sections go with their last handle, and their names with them. */
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

/* Sync objects are the system's own here, so none is in a section. */
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

/* "Starting in Windows 10, version 1703, the MapViewOfFile function maps a view using small pages
** by default, even for file mapping objects created with the SEC_LARGE_PAGES flag." Large pages
** want a view of whole ones; returns its length, 0 for a view of small pages. */
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

/* A mapping that lost pages has private memory in its place: lost_pages.c. */
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

/* The other hints are the system's own business. */
void fm_sys_advise(void *address, size_t length, fm_hint hint, bool is_private)
{
  (void)is_private;
  WIN32_MEMORY_RANGE_ENTRY range = {address, length};
  typedef BOOL(WINAPI *prefetch)(HANDLE, ULONG_PTR, WIN32_MEMORY_RANGE_ENTRY *, ULONG);
  if (hint != FM_WILLNEED) return;
  /* Since Windows 8. */
  const prefetch load = (prefetch)(void (*)(void))GetProcAddress(GetModuleHandleW(L"kernel32.dll"),
                                                                 "PrefetchVirtualMemory");
  if (load) load(GetCurrentProcess(), 1, &range, 0);
}

/* "The maximum number of pages that a process can lock is equal to the number of pages in its minimum working
** set minus a small overhead." */
static bool grow_working_set(size_t length)
{
  SIZE_T least, most;
  if (!GetProcessWorkingSetSize(GetCurrentProcess(), &least, &most) || length > SIZE_MAX / 2 - most) return false;
  return SetProcessWorkingSetSize(GetCurrentProcess(), least + length, most + length);
}

int fm_sys_pin(fm_section *s, uint64_t offset, void *address, size_t length, fm_error *e)
{
  (void)s, (void)offset;
  if (VirtualLock(address, length)) return FM_OK;
  if (GetLastError() == ERROR_WORKING_SET_QUOTA && grow_working_set(length) && VirtualLock(address, length))
    return FM_OK;
  return fm_win32_fail_as(e, FM_NO_MEMORY, GetLastError(), "so much memory may not be locked");
}

/* What was not locked need not be unlocked. */
int fm_sys_unpin(void *address, size_t length, fm_error *e)
{
  if (VirtualUnlock(address, length) || GetLastError() == ERROR_NOT_LOCKED) return FM_OK;
  return fm_win32_fail(e);
}

/* Elsewhere all is committed from the start. The memory counts for the section: it is there for every view. */
int fm_sys_commit(fm_section *s, uint64_t offset, void *address, size_t length, int access, fm_error *e)
{
  (void)offset;
  const DWORD protect = access & FM_COPY ? PAGE_WRITECOPY : fm_win32_protection(access & FM_WRITE, access & FM_EXEC);
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

/* {-- The rest --------------------------------------------------------------------------------- */

int fm_sys_unlink(const fm_name *name, fm_error *e)
{
  (void)name;
  return fm_fail(e, FM_UNSUPPORTED, "Windows removes a name with its last holder");
}

int fm_sys_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e)
{
  (void)entries, (void)capacity, (void)count;
  return fm_fail(e, FM_UNSUPPORTED, "Windows does not tell the names of all sections");
}

#endif
