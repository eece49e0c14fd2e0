/* Maps over files on Windows. */
#include "win32.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_WINDOWS

#include <stdlib.h>
#include <string.h>

/* {-- Queries of ntdll ---------------------------------------------------------------------------- */

/* Counts the handles of an object in all processes. Returns 0 if the system does not tell. */
static ULONG count_handles(HANDLE object)
{
  /* PUBLIC_OBJECT_BASIC_INFORMATION, class 0 of NtQueryObject. */
  struct { ULONG attributes, access, handles, pointers, reserved[10]; } info = {0};
  typedef LONG(NTAPI *query)(HANDLE, int, void *, ULONG, ULONG *);
  const query ask = (query)(void (*)(void))fm_win32_ntdll("NtQueryObject");
  return ask(object, 0, &info, sizeof info, NULL) < 0 ? 0 : info.handles;
}

/* Finds how many bytes this user can still store on the file's disk. GetDiskFreeSpaceEx finds the same for
** the path of a folder, but links and a change of the current directory can make a path name another disk. */
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
  wchar_t *path;   /* absolute */
  uint64_t size;   /* in bytes, when it was opened */
  bool is_created; /* by this call */
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

/* Checks that the file's disk has room for `more` bytes. If the system does not tell, growing the file
** will. */
static int check_space(HANDLE file, uint64_t more, fm_error *e)
{
  uint64_t room;
  if (!query_room(&room, file) || more <= room) return FM_OK;
  return fm_fail(e, FM_NO_SPACE, "it needs %llu more bytes, %llu are free",
                 (unsigned long long)more, (unsigned long long)room);
}

static int check_regular(opened_file *f, fm_error *e)
{
  /* A volume (\\.\C:) also has the type FILE_TYPE_DISK, but no file size. */
  if (GetFileType(f->handle) == FILE_TYPE_DISK && get_size(&f->size, f->handle, NULL) == FM_OK)
    return FM_OK;
  return fm_fail(e, FM_INVALID, "it is not a regular file");
}

/* If it fails, no file is open. */
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
  f->is_created = make && error != ERROR_ALREADY_EXISTS;
  const int code = check_regular(f, e);
  if (code != FM_OK) CloseHandle(f->handle);
  return code;
}

/* Creates a section over the file, and grows the file to the requested size. */
static int map_file(fm_section *out, uint64_t *size, const opened_file *f, const fm_request *r,
                    void *security, fm_error *e)
{
  const int access = r->options.access;
  const bool grow = r->options.size > f->size;
  /* "If an application specifies a size for the file mapping object that is larger than the size of the
  ** actual named file on disk ..., then the file on disk is increased". Setting the file's size could instead
  ** shrink a file that another process has grown meanwhile. */
  const fm_section_spec spec = {
    .file = f->handle, .name = r->options.name, .security = security, .inherit = r->options.inherit,
    .protect = r->win32 && r->win32->protect ? r->win32->protect
                                             : fm_win32_protection(access & FM_WRITE, access & FM_EXEC),
    .size = grow || r->win32 ? r->options.size : 0};
  HANDLE made = NULL;
  bool is_reserved = false;
  int code = FM_OK;
  uint64_t has = spec.size ? spec.size : f->size, now = has;
  if (grow && !(access & FM_WRITE)) return fm_win32_fail_small(e, f->size, r->options.size);
  if (grow && r->options.commit) code = check_space(f->handle, r->options.size - f->size, e);
  /* "An attempt to map a file with a length of 0 (zero) fails". */
  if (code == FM_OK && has > 0) code = fm_win32_make_section(&made, &spec, e);
  if (code != FM_OK) return code;
  if (spec.protect & SEC_IMAGE) code = fm_win32_measure(&has, &is_reserved, made, e);
  /* Before the section existed, another process could truncate the file. */
  else if (get_size(&now, f->handle, NULL) == FM_OK && now < has) has = now;
  if (code != FM_OK) {
    CloseHandle(made);
    return code;
  }
  *out = (fm_section){.handle = (intptr_t)made, .file = (intptr_t)f->handle, .is_reserved = is_reserved,
                      .is_file = true};
  if (r->options.name) strcpy(out->name, r->options.name); /* fm_name_parse checked that it fits */
  *size = has;
  return FM_OK;
}

/* Closes the file and undoes what this call changed: it removes a created file, and shrinks a grown one. */
static void undo_file(const opened_file *f, uint64_t wanted)
{
  uint64_t now = 0;
  const bool grown = get_size(&now, f->handle, NULL) == FM_OK && now > f->size && now == wanted;
  if (f->is_created) DeleteFileW(f->path);
  else if (grown) set_size(f->handle, f->size, NULL);
  CloseHandle(f->handle);
}

/* Maps a file that is open already, as CreateFileMapping does: the map does not own the file's handle, and a
** file that has grown keeps its size when the call fails. */
static int map_open_file(fm_section *s, uint64_t *size, const fm_request *r, fm_error *e)
{
  opened_file f = {.handle = fm_win32_handle(r->win32->file->handle)};
  void *security = NULL;
  int code = get_size(&f.size, f.handle, e);
  if (code == FM_OK) code = fm_win32_read_sddl(&security, r->options.sddl, e);
  if (code == FM_OK) code = fm_win32_check_free(r->options.name, e);
  if (code == FM_OK) code = map_file(s, size, &f, r, security, e);
  if (code == FM_OK) s->file = 0;
  LocalFree(security);
  return code;
}

int fm_sys_file(fm_section *s, uint64_t *size, const char *path, const fm_request *r, fm_error *e)
{
  if (r->win32) return map_open_file(s, size, r, e);
  const bool make = r->options.size > 0 && (r->options.access & FM_WRITE);
  opened_file f = {.handle = NULL};
  void *security = NULL;
  int code = fm_win32_path(&f.path, path, e);
  if (code == FM_OK) code = fm_win32_read_sddl(&security, r->options.sddl, e);
  if (code == FM_OK) code = fm_win32_check_free(r->options.name, e);
  if (code == FM_OK) code = open_file(&f, r->options.access, make, security, e);
  if (code == FM_OK) {
    FM_TEST_HOOK("found");
    code = map_file(s, size, &f, r, security, e);
    FM_TEST_HOOK("grown");
    if (code != FM_OK) undo_file(&f, r->options.size);
  }
  LocalFree(security);
  free(f.path);
  return code;
}

/* {-- Resizing --------------------------------------------------------------------------------- */

/* Describes the map's section, so that it can be created again. If it has a name, no other process may hold
** it: the new section could not get the name. This is checked before the file's size changes. */
static int describe_section(fm_section_spec *out, const fm_section *m, fm_error *e)
{
  HANDLE handle = fm_win32_handle(m->handle);
  DWORD flags = 0;
  if (!handle) return FM_OK;
  if (!GetHandleInformation(handle, &flags)) return fm_win32_fail(e);
  out->inherit = flags & HANDLE_FLAG_INHERIT;
  if (!m->name[0]) return FM_OK;
  if (count_handles(handle) > 1)
    return fm_fail(e, FM_IN_USE, "another process holds the mapping of that name");
  return fm_win32_copy_security(&out->security, handle, e);
}

/* "UnmapViewOfFile must be called first to unmap all views and call CloseHandle to close the file mapping
** object before you can call SetEndOfFile." So the old section cannot be kept for the case that this call
** fails; it is created again. */
static int resize(fm_section *m, fm_section_spec *s, uint64_t before, uint64_t size, fm_error *e)
{
  HANDLE made = NULL;
  if (m->handle) CloseHandle(fm_win32_handle(m->handle));
  FM_TEST_HOOK("shut");
  int code = set_size(s->file, size, e);
  FM_TEST_HOOK("resized");
  if (code == FM_OK) {
    code = fm_win32_make_section(&made, s, e);
    if (code == FM_EXISTS)
      code = fm_fail(e, FM_IN_USE, "another process holds the mapping of that name");
    if (code != FM_OK) set_size(s->file, before, NULL);
  }
  if (code != FM_OK && m->handle) {
    s->shared = true;
    fm_win32_make_section(&made, s, NULL);
  }
  m->handle = (intptr_t)made;
  return code;
}

/* Views keep the section that they were mapped from. */
int fm_sys_refresh(fm_section *s, uint64_t before, uint64_t *size, int access, fm_error *e)
{
  const fm_section_spec spec = {.file = fm_win32_handle(s->file),
                                .protect = fm_win32_protection(access & FM_WRITE, access & FM_EXEC)};
  HANDLE made = NULL;
  DWORD flags = 0;
  uint64_t now = 0;
  int code = get_size(&now, spec.file, e);
  if (code != FM_OK || now <= before) {
    if (code == FM_OK) *size = now;
    return code;
  }
  if (s->name[0])
    return fm_fail(e, FM_UNSUPPORTED, "the mapping of the file has a name, so its size cannot change");
  code = fm_win32_make_section(&made, &spec, e);
  if (code != FM_OK) return code;
  if (s->handle) {
    if (GetHandleInformation(fm_win32_handle(s->handle), &flags))
      SetHandleInformation(made, HANDLE_FLAG_INHERIT, flags & HANDLE_FLAG_INHERIT);
    CloseHandle(fm_win32_handle(s->handle));
  }
  s->handle = (intptr_t)made;
  *size = now;
  return FM_OK;
}

int fm_sys_resize(fm_section *s, uint64_t size, int access, fm_error *e)
{
  HANDLE file = fm_win32_handle(s->file);
  fm_section_spec spec = {.file = file, .protect = fm_win32_protection(access & FM_WRITE, access & FM_EXEC),
                          .name = s->name};
  uint64_t before = 0;
  int code = get_size(&before, file, e);
  if (code == FM_OK && size > before) code = check_space(file, size - before, e);
  if (code == FM_OK) code = describe_section(&spec, s, e);
  if (code == FM_OK) code = resize(s, &spec, before, size, e);
  LocalFree(spec.security);
  return code;
}

#endif
