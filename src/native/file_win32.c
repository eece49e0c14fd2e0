/* Maps over files on Windows. */
#include "win32.h"
#include "step.h"

#if FM_SYSTEM_WIN32

#include <stdlib.h>

/* {-- What only ntdll tells -------------------------------------------------------------------- */

/* How many handles there are of an object, in all processes; 0 if the system does not say. */
static ULONG count_handles(HANDLE object)
{
  /* PUBLIC_OBJECT_BASIC_INFORMATION, class 0 of NtQueryObject. */
  struct { ULONG attributes, access, handles, pointers, reserved[10]; } info = {0};
  typedef LONG(NTAPI *query)(HANDLE, int, void *, ULONG, ULONG *);
  const query ask = (query)(void (*)(void))fm_win32_ntdll("NtQueryObject");
  return ask(object, 0, &info, sizeof info, NULL) < 0 ? 0 : info.handles;
}

/* How many bytes this user can still have on the disk that a file lies on. GetDiskFreeSpaceEx tells
** the same of a folder's path, but links, long paths and a changed current directory lead astray
** there. */
static bool query_room(uint64_t *bytes, HANDLE file)
{
  /* FILE_FS_FULL_SIZE_INFORMATION, class 7 of NtQueryVolumeInformationFile. */
  struct { LARGE_INTEGER total, ours, free; ULONG sectors, sector_size; } info;
  struct { void *status; ULONG_PTR size; } done; /* IO_STATUS_BLOCK */
  typedef LONG(NTAPI *query)(HANDLE, void *, void *, ULONG, int);
  const query ask = (query)(void (*)(void))fm_win32_ntdll("NtQueryVolumeInformationFile");
  if (ask(file, &done, &info, sizeof info, 7) < 0) return false;
  *bytes = (uint64_t)info.ours.QuadPart * info.sectors * info.sector_size;
  return true;
}

/* {-- Files ------------------------------------------------------------------------------------ */

typedef struct opened_file {
  HANDLE handle;
  wchar_t *path; /* absolute */
  uint64_t size; /* as it was found */
  bool made;     /* it was not there before */
} opened_file;

static int get_size(uint64_t *out, HANDLE file, fm_error *e)
{
  LARGE_INTEGER size;
  if (!GetFileSizeEx(file, &size)) return fm_win32_fail(e);
  *out = (uint64_t)size.QuadPart;
  return FM_OK;
}

static int set_size(HANDLE file, uint64_t size, fm_error *e)
{
  FILE_END_OF_FILE_INFO info;
  info.EndOfFile.QuadPart = (LONGLONG)size;
  if (SetFileInformationByHandle(file, FileEndOfFileInfo, &info, sizeof info)) return FM_OK;
  return fm_win32_fail(e);
}

/* Has the file's disk room for `more` bytes? Where the system does not say, growing will. */
static int check_space(HANDLE file, uint64_t more, fm_error *e)
{
  uint64_t room;
  if (!query_room(&room, file) || more <= room) return FM_OK;
  return fm_fail(e, FM_NO_SPACE, "it takes %llu more bytes, %llu are free",
                 (unsigned long long)more, (unsigned long long)room);
}

static int check_regular(opened_file *f, fm_error *e)
{
  /* A whole volume (\\.\C:) is of the type of a disk too, but has no file size. */
  if (GetFileType(f->handle) == FILE_TYPE_DISK && get_size(&f->size, f->handle, NULL) == FM_OK)
    return FM_OK;
  return fm_fail(e, FM_INVALID, "it is not a regular file");
}

/* On failure nothing is open. */
static int open_file(opened_file *f, int access, bool make, void *security, fm_error *e)
{
  SECURITY_ATTRIBUTES attributes = {sizeof attributes, security, FALSE};
  const DWORD rights = GENERIC_READ | (access & FM_WRITE ? GENERIC_WRITE : 0u)
                     | (access & FM_EXEC ? GENERIC_EXECUTE : 0u);
  const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  f->handle = CreateFileW(f->path, rights, share, &attributes, make ? OPEN_ALWAYS : OPEN_EXISTING,
                          FILE_ATTRIBUTE_NORMAL, NULL);
  const DWORD error = GetLastError();
  if (f->handle == INVALID_HANDLE_VALUE) {
    const DWORD found = GetFileAttributesW(f->path);
    if (found != INVALID_FILE_ATTRIBUTES && found & FILE_ATTRIBUTE_DIRECTORY)
      return fm_win32_fail_as(e, FM_INVALID, error, "it is not a regular file");
    return fm_fail_native(e, (long)error);
  }
  f->made = make && error != ERROR_ALREADY_EXISTS;
  const int code = check_regular(f, e);
  if (code != FM_OK) CloseHandle(f->handle);
  return code;
}

/* Gives `m` a section of the file, and the file the size that was asked for. */
static int map_file(fm_map *m, const opened_file *f, const fm_options *o, void *security,
                    fm_error *e)
{
  const bool grow = o->size > f->size;
  /* "If an application specifies a size for the file mapping object that is larger than the size of
  ** the actual named file on disk ..., then the file on disk is increased". Unlike setting the
  ** file's size, that cannot shrink a file that somebody else grew in the meantime. */
  const fm_section s = {
    f->handle, o->protect ? o->protect : fm_win32_protection(m->access & FM_WRITE, m->access & FM_EXEC),
    grow || o->file ? o->size : 0, m->name, security, o->inherit, false};
  HANDLE made = NULL;
  int code = FM_OK;
  uint64_t size = s.size ? s.size : f->size, now = size;
  if (grow && !(m->access & FM_WRITE)) return fm_win32_fail_small(e, f->size, o->size);
  if (grow && o->commit) code = check_space(f->handle, o->size - f->size, e);
  /* "An attempt to map a file with a length of 0 (zero) fails". */
  if (code == FM_OK && size > 0) code = fm_win32_make_section(&made, &s, e);
  if (code != FM_OK) return code;
  if (s.protect & SEC_IMAGE) code = fm_win32_measure(&size, &m->reserved, made, e);
  /* Until it had a section somebody could cut the file. */
  else if (get_size(&now, f->handle, NULL) == FM_OK && now < size) size = now;
  if (code != FM_OK) {
    CloseHandle(made);
    return code;
  }
  m->handle = (intptr_t)made;
  m->file = (intptr_t)f->handle;
  m->size = size;
  return FM_OK;
}

/* Leaves the file as it was found. */
static void undo_file(const opened_file *f, uint64_t wanted)
{
  uint64_t now = 0;
  const bool grown = get_size(&now, f->handle, NULL) == FM_OK && now > f->size && now == wanted;
  if (f->made) DeleteFileW(f->path);
  else if (grown) set_size(f->handle, f->size, NULL);
  CloseHandle(f->handle);
}

/* Over a file that is open already, as CreateFileMapping does it: the handle is not kept, nor what it shares the file
** for, and a file that was grown stays so. */
static int map_lent(fm_map *m, const fm_options *o, fm_error *e)
{
  opened_file f = {fm_win32_handle(o->file->handle), NULL, 0, false};
  void *security = NULL;
  int code = get_size(&f.size, f.handle, e);
  if (code == FM_OK) code = fm_win32_read_sddl(&security, o->sddl, e);
  if (code == FM_OK) code = fm_win32_check_free(m->name, e);
  if (code == FM_OK) code = map_file(m, &f, o, security, e);
  LocalFree(security);
  m->file = 0;
  return code;
}

int fm_sys_file(fm_map *m, const fm_options *o, fm_error *e)
{
  if (o->file) return map_lent(m, o, e);
  const bool make = o->size > 0 && (m->access & FM_WRITE);
  opened_file f = {NULL, NULL, 0, false};
  void *security = NULL;
  int code = fm_win32_path(&f.path, m->path, e);
  if (code == FM_OK) code = fm_win32_read_sddl(&security, o->sddl, e);
  if (code == FM_OK) code = fm_win32_check_free(m->name, e);
  if (code == FM_OK) code = open_file(&f, m->access, make, security, e);
  if (code == FM_OK) {
    FM_STEP("found");
    code = map_file(m, &f, o, security, e);
    FM_STEP("grown");
    if (code != FM_OK) undo_file(&f, o->size);
  }
  LocalFree(security);
  free(f.path);
  return code;
}

/* {-- Resizing --------------------------------------------------------------------------------- */

/* *out is to be freed by LocalFree. */
static int copy_security(void **out, HANDLE object, fm_error *e)
{
  DWORD size = 0;
  GetKernelObjectSecurity(object, DACL_SECURITY_INFORMATION, NULL, 0, &size);
  if (GetLastError() != ERROR_INSUFFICIENT_BUFFER) return fm_win32_fail(e);
  *out = LocalAlloc(LMEM_FIXED, size);
  if (!*out) return fm_fail(e, FM_NO_MEMORY, NULL);
  if (GetKernelObjectSecurity(object, DACL_SECURITY_INFORMATION, *out, size, &size)) return FM_OK;
  return fm_win32_fail(e);
}

/* What the section of a map must be made like once more. One that has a name must be ours alone,
** for under its name there is no second one: better seen now than when the file has been cut. */
static int describe_section(fm_section *out, const fm_map *m, fm_error *e)
{
  HANDLE handle = fm_win32_handle(m->handle);
  DWORD flags = 0;
  if (!handle) return FM_OK;
  if (!GetHandleInformation(handle, &flags)) return fm_win32_fail(e);
  out->inherit = flags & HANDLE_FLAG_INHERIT;
  if (!m->name[0]) return FM_OK;
  if (count_handles(handle) > 1)
    return fm_fail(e, FM_IN_USE, "somebody else holds the mapping of that name");
  return copy_security(&out->security, handle, e);
}

/* "UnmapViewOfFile must be called first to unmap all views and call CloseHandle to close the file
** mapping object before you can call SetEndOfFile." The section that was there cannot be kept for
** the case that this fails, so it is made again. */
static int resize(fm_map *m, fm_section *s, uint64_t before, uint64_t size, fm_error *e)
{
  HANDLE made = NULL;
  if (m->handle) CloseHandle(fm_win32_handle(m->handle));
  FM_STEP("shut");
  int code = set_size(s->file, size, e);
  FM_STEP("resized");
  if (code == FM_OK) {
    code = fm_win32_make_section(&made, s, e);
    if (code == FM_EXISTS)
      code = fm_fail(e, FM_IN_USE, "somebody else holds the mapping of that name");
    if (code != FM_OK) set_size(s->file, before, NULL);
  }
  if (code == FM_OK) {
    m->size = size;
  } else if (m->handle) {
    s->shared = true;
    fm_win32_make_section(&made, s, NULL);
  }
  m->handle = (intptr_t)made;
  return code;
}

int fm_sys_resize(fm_map *m, uint64_t size, fm_error *e)
{
  HANDLE file = fm_win32_handle(m->file);
  fm_section s = {file, fm_win32_protection(m->access & FM_WRITE, m->access & FM_EXEC), 0, m->name, NULL, false,
               false};
  uint64_t before = 0;
  int code = get_size(&before, file, e);
  if (code == FM_OK && size > before) code = check_space(file, size - before, e);
  if (code == FM_OK) code = describe_section(&s, m, e);
  if (code == FM_OK) code = resize(m, &s, before, size, e);
  LocalFree(s.security);
  return code;
}

#endif
