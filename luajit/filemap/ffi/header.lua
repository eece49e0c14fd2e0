-- The contents of include/filemap.h for ffi.cdef. script/luajit-header printed this file.
return {
  version = { 0, 1, 0 },
  FM_ANY_SIZE = 0xffffffffffffffffULL,
  FM_FOREVER = 1e300,
  -- A field that is not named is 0. A string is the name of a constant.
  defaults = {
    fm_options = { access = "FM_RW", mode = 384, size = "FM_ANY_SIZE", commit = true },
    fm_sync_options = { mode = 384, max = 1 },
  },
  declarations = [[
int fm_version(void);
typedef enum fm_code {
  FM_OK,
  FM_NOT_FOUND,
  FM_EXISTS,
  FM_DENIED,
  FM_INVALID,
  FM_TOO_SMALL,
  FM_TOO_LARGE,
  FM_NO_SPACE,
  FM_NO_MEMORY,
  FM_IN_USE,
  FM_TIMEOUT,
  FM_CLOSED,
  FM_FULL,
  FM_TRUNCATED,
  FM_CORRUPT,
  FM_UNSUPPORTED,
  FM_SYSTEM
} fm_code;
typedef struct fm_error {
  int code;
  long native;
  char detail[200];
} fm_error;
const char *fm_word(int code);
enum {
  FM_READ = 1,
  FM_WRITE = 2,
  FM_COPY = 4,
  FM_EXEC = 8,
  FM_RW = FM_READ | FM_WRITE
};
int fm_access_bits(const char *word);
const char *fm_access_word(int access);
enum { FM_NAME_MAX = 200 };
enum { FM_NAME_SIZE = (FM_NAME_MAX + 8) };
typedef struct fm_map fm_map;
typedef struct fm_options {
  size_t struct_size;
  int access;
  unsigned mode;
  uint64_t size;
  const char *sddl;
  const char *name;
  bool inherit;
  bool commit;
  bool large_pages;
} fm_options;
int fm_create(fm_map **out, const char *name, uint64_t size, const fm_options *options, fm_error *e);
int fm_open(fm_map **out, const char *name, const fm_options *options, fm_error *e);
int fm_create_or_open(fm_map **out, bool *created, const char *name, uint64_t size,
                             const fm_options *options, fm_error *e);
int fm_file(fm_map **out, const char *path, const fm_options *options, fm_error *e);
int fm_adopt(fm_map **out, intptr_t handle, uint64_t size, int access, fm_error *e);
uint64_t fm_map_size(const fm_map *m);
int fm_map_access(const fm_map *m);
const char *fm_map_name(const fm_map *m);
const char *fm_map_path(const fm_map *m);
const char *fm_map_label(const fm_map *m);
intptr_t fm_map_handle(const fm_map *m);
int fm_map_resize(fm_map *m, uint64_t size, fm_error *e);
int fm_map_refresh(fm_map *m, uint64_t *size, fm_error *e);
void fm_map_close(fm_map *m);
int fm_unlink(const char *name, fm_error *e);
typedef struct fm_entry {
  char name[FM_NAME_SIZE];
  uint64_t size;
} fm_entry;
int fm_list(fm_entry *entries, size_t capacity, size_t *count, fm_error *e);
typedef struct fm_mapping fm_mapping;
typedef struct fm_view {
  unsigned char *data;
  size_t size;
  size_t readable;
  size_t writable;
  int access;
  uint64_t offset;
  fm_mapping *mapping;
  const volatile int *lost;
} fm_view;
int fm_view_open(fm_view *out, fm_map *m, uint64_t offset, uint64_t length, int access, fm_error *e);
int fm_view_sub(fm_view *out, const fm_view *v, uint64_t offset, uint64_t length, int access,
                       fm_error *e);
int fm_view_check(const fm_view *v, bool writing, uint64_t offset, uint64_t length, fm_error *e);
void fm_view_copy(const fm_view *to, uint64_t to_offset, const fm_view *from, uint64_t from_offset,
                         size_t length);
int fm_view_flush(const fm_view *v, uint64_t offset, uint64_t length, bool async, fm_error *e);
typedef enum fm_hint { FM_NORMAL, FM_SEQUENTIAL, FM_RANDOM, FM_WILLNEED, FM_DONTNEED } fm_hint;
int fm_view_advise(const fm_view *v, fm_hint hint, uint64_t offset, uint64_t length, fm_error *e);
int fm_view_pin(const fm_view *v, fm_error *e);
int fm_view_unpin(const fm_view *v, fm_error *e);
int fm_view_commit(const fm_view *v, uint64_t offset, uint64_t length, fm_error *e);
typedef enum fm_atomic_operation {
  FM_LOAD,
  FM_STORE,
  FM_EXCHANGE,
  FM_ADD,
  FM_AND,
  FM_OR
} fm_atomic_operation;
uint32_t fm_atomic_32(fm_atomic_operation operation, void *number, uint32_t value);
uint64_t fm_atomic_64(fm_atomic_operation operation, void *number, uint64_t value);
bool fm_compare_exchange_32(void *number, uint32_t *expected, uint32_t desired);
bool fm_compare_exchange_64(void *number, uint64_t *expected, uint64_t desired);
int fm_view_wait_32(const fm_view *v, uint64_t offset, uint32_t seen, double timeout, uint32_t *now,
                           fm_error *e);
int fm_view_wait_64(const fm_view *v, uint64_t offset, uint64_t seen, double timeout, uint64_t *now,
                           fm_error *e);
int fm_view_wake(const fm_view *v, uint64_t offset, fm_error *e);
fm_map *fm_view_map(const fm_view *v);
void fm_view_close(fm_view *v);
size_t fm_wide_length(const void *text, size_t most, size_t unit);
size_t fm_wide_to_utf8(char *out, const void *text, size_t units, size_t unit, bool swapped);
size_t fm_utf8_to_wide(void *out, size_t capacity, const char *text, size_t length, size_t unit,
                              bool swapped);
typedef struct fm_sync fm_sync;
typedef enum fm_sync_kind { FM_MUTEX, FM_SEMAPHORE, FM_EVENT } fm_sync_kind;
enum { FM_COUNT_MAX = 2147483647 };
typedef struct fm_sync_options {
  size_t struct_size;
  unsigned mode;
  uint32_t initial;
  uint32_t max;
  const char *sddl;
  bool existing;
  bool manual;
  bool set;
} fm_sync_options;
int fm_sync_open(fm_sync **out, bool *created, fm_sync_kind kind, const char *name,
                        const fm_sync_options *options, fm_error *e);
int fm_sync_wait(fm_sync *s, double timeout, bool *abandoned, fm_error *e);
int fm_sync_post(fm_sync *s, uint32_t count, fm_error *e);
int fm_sync_reset(fm_sync *s, fm_error *e);
const char *fm_sync_name(const fm_sync *s);
void fm_sync_close(fm_sync *s);
int fm_sync_unlink(const char *name, fm_error *e);
typedef struct fm_state fm_state;
int fm_state_create(fm_state **out, const char *name, uint64_t capacity, const fm_options *options,
                           fm_error *e);
int fm_state_create_or_open(fm_state **out, bool *created, const char *name, uint64_t capacity,
                                   const fm_options *options, fm_error *e);
int fm_state_open(fm_state **out, const char *name, fm_error *e);
int fm_state_publish(fm_state *s, const void *data, size_t length, fm_error *e);
int fm_state_read(fm_state *s, double timeout, const void **data, size_t *length, uint64_t *version,
                         fm_error *e);
int fm_state_wait(fm_state *s, uint64_t version, double timeout, const void **data, size_t *length,
                         uint64_t *newer, fm_error *e);
const char *fm_state_name(const fm_state *s);
uint64_t fm_state_capacity(const fm_state *s);
bool fm_state_is_writer(const fm_state *s);
void fm_state_close(fm_state *s);
typedef struct fm_mailslot fm_mailslot;
typedef struct fm_mailslot_info {
  uint64_t max_message;
  uint64_t next_size;
  uint64_t count;
} fm_mailslot_info;
enum { FM_CAPACITY = 65536 };
int fm_mailslot_create(fm_mailslot **out, const char *name, uint64_t max_message, uint64_t capacity,
                              const fm_options *options, fm_error *e);
int fm_mailslot_open(fm_mailslot **out, const char *name, fm_error *e);
int fm_mailslot_send(fm_mailslot *m, const void *data, size_t length, double timeout, fm_error *e);
int fm_mailslot_receive(fm_mailslot *m, double timeout, const void **data, size_t *length,
                               fm_error *e);
int fm_mailslot_get_info(fm_mailslot *m, fm_mailslot_info *out, fm_error *e);
const char *fm_mailslot_name(const fm_mailslot *m);
bool fm_mailslot_is_reader(const fm_mailslot *m);
void fm_mailslot_close(fm_mailslot *m);
typedef struct fm_listener fm_listener;
typedef struct fm_conn fm_conn;
int fm_pipe_listen(fm_listener **out, const char *name, uint64_t capacity, bool stream,
                          const fm_options *options, fm_error *e);
int fm_pipe_accept(fm_listener *l, double timeout, fm_conn **out, fm_error *e);
int fm_pipe_connect(fm_conn **out, const char *name, double timeout, fm_error *e);
int fm_conn_send(fm_conn *c, const void *data, size_t length, double timeout, fm_error *e);
int fm_conn_receive(fm_conn *c, double timeout, const void **data, size_t *length, fm_error *e);
int fm_conn_write(fm_conn *c, const void *data, size_t *length, double timeout, fm_error *e);
int fm_conn_read(fm_conn *c, double timeout, void *out, size_t *length, fm_error *e);
int fm_conn_read_count(fm_conn *c, double timeout, uint64_t count, const void **data, size_t *length,
                              fm_error *e);
int fm_conn_read_line(fm_conn *c, double timeout, const void **data, size_t *length, fm_error *e);
int fm_conn_read_all(fm_conn *c, double timeout, const void **data, size_t *length, fm_error *e);
size_t fm_conn_unread(fm_conn *c);
const char *fm_listener_name(const fm_listener *l);
const char *fm_conn_name(const fm_conn *c);
bool fm_conn_is_stream(const fm_conn *c);
void fm_listener_close(fm_listener *l);
void fm_conn_close(fm_conn *c);
typedef enum fm_waitable_kind {
  FM_WAIT_SYNC,
  FM_WAIT_LISTENER,
  FM_WAIT_CONN,
  FM_WAIT_MAILSLOT,
  FM_WAIT_STATE
} fm_waitable_kind;
typedef struct fm_waitable {
  fm_waitable_kind kind;
  void *object;
} fm_waitable;
enum { FM_WAIT_MOST = 65536 };
int fm_wait_any(const fm_waitable *objects, size_t count, double timeout, size_t *index,
                       bool *abandoned, fm_error *e);
int fm_pollable(const fm_waitable *object, intptr_t *out, fm_error *e);
typedef struct fm_dict fm_dict;
typedef enum fm_value_type { FM_STRING, FM_INTEGER, FM_FLOAT, FM_BOOLEAN, FM_NONE } fm_value_type;
typedef struct fm_value {
  fm_value_type type;
  const void *data;
  size_t length;
  int64_t integer;
  double number;
  bool boolean;
} fm_value;
enum { FM_DICT_KEY_MAX = 255 };
enum { FM_DICT_CAPACITY = (1 << 20) };
int fm_dict_create_or_open(fm_dict **out, bool *created, const char *name, uint64_t capacity,
                                  bool evict, const fm_options *options, fm_error *e);
int fm_dict_open(fm_dict **out, const char *name, fm_error *e);
int fm_dict_get(fm_dict *d, const void *key, size_t length, fm_value *out, uint64_t *version,
                       fm_error *e);
typedef enum fm_dict_mode {
  FM_DICT_SET,
  FM_DICT_ADD,
  FM_DICT_REPLACE
} fm_dict_mode;
int fm_dict_set(fm_dict *d, const void *key, size_t length, const fm_value *value, fm_dict_mode mode,
                       double ttl, uint64_t *version, fm_error *e);
int fm_dict_compare_set(fm_dict *d, const void *key, size_t length, uint64_t expected,
                               const fm_value *value, bool *done, fm_value *out, uint64_t *version,
                               fm_error *e);
int fm_dict_increment(fm_dict *d, const void *key, size_t length, const fm_value *n,
                             const fm_value *init, fm_value *out, bool *is_number, fm_error *e);
int fm_dict_delete(fm_dict *d, const void *key, size_t length, bool *existed, fm_error *e);
int fm_dict_clear(fm_dict *d, fm_error *e);
int fm_dict_wait(fm_dict *d, const void *key, size_t length, uint64_t version, double timeout,
                        fm_value *out, uint64_t *now, fm_error *e);
typedef struct fm_dict_info {
  uint64_t count;
  uint64_t used;
  uint64_t capacity;
} fm_dict_info;
int fm_dict_get_info(fm_dict *d, fm_dict_info *out, fm_error *e);
typedef struct fm_dict_cursor fm_dict_cursor;
int fm_dict_cursor_open(fm_dict_cursor **out, fm_dict *d, fm_error *e);
int fm_dict_cursor_next(fm_dict_cursor *c, const void **key, size_t *length, fm_value *out,
                               uint64_t *version, fm_error *e);
void fm_dict_cursor_close(fm_dict_cursor *c);
const char *fm_dict_name(const fm_dict *d);
void fm_dict_close(fm_dict *d);
const char *fm_platform(void);
size_t fm_page_size(void);
size_t fm_granularity(void);
double fm_now(void);
void fm_sleep(double seconds);
]],
}
