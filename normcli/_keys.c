/* Numbers for the keys of groups: a hash table of texts, or of integers.

   Keys are numbered in the order in which they are met; null is a key, too. normcli/groups.py
   does the same by joins; both give the same numbers, and no hash shows in them.

   Any number of threads may look keys up while one takes new ones in. A slot is never changed
   once its number is there, and the number is written last; a table that has become too small is
   left as it is, for those who still read it. Who reads an old table finds some keys missing, and
   then asks again as the one who may take keys in.

   Columns come by the Arrow C stream interface, without a copy, texts as views: 4 bytes of length,
   then up to 12 bytes of text, or 4 of them and where the whole text is. The interpreter's lock is
   released meanwhile. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "_arrow.h"

#if !defined(__SIZEOF_INT128__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "128-bit integers, least byte first, are needed; joins do the work without them"
#endif

/* Tests make these small, so that what is rare happens often. */
#ifndef FIRST_SLOTS
#define FIRST_SLOTS 1024
#endif
#ifndef HASH_MASK
#define HASH_MASK UINT32_MAX
#endif
#ifndef ARENA
#define ARENA (1 << 16) /* bytes of long texts that are asked for at a time */
#endif

#define AHEAD 64  /* rows in hand at a time, whose slots are fetched together */
#define FEW_SLOTS (1 << 16)
#define FAR 8192 /* bytes ahead that views are fetched */
#define INLINE 12 /* the longest text that a view holds itself */

typedef struct {
    uint64_t first, second; /* a short text's view; length and beginning of a long one, address */
    uint32_t hash;
    _Atomic int32_t number; /* from 1; 0 where there is no key */
} Slot;

typedef struct Slots {
    struct Slots *former;
    uint64_t mask;
    Slot slot[];
} Slots;

typedef struct Arena {
    struct Arena *former;
    size_t used, size;
    char text[];
} Arena;

typedef struct {
    PyObject_HEAD
    char kind; /* 't' or 'i' */
    char busy; /* keys are being taken in */
    uint64_t seed[2];
    _Atomic(Slots *) slots;
    _Atomic int64_t count;
    _Atomic int32_t null; /* its number, from 1 */
    Arena *arena;
} Table;

typedef struct {
    char format;
    int size;
    const char *data, **texts; /* `texts`: what views point into */
    const uint8_t *valid; /* a bitmap; NULL if there are no nulls */
    int64_t offset, length;
} Column;

/* Keys of some rows; `second` of a long text is where it is. Null is nothing here. */
typedef struct {
    uint64_t first[AHEAD], second[AHEAD];
    uint32_t hash[AHEAD];
} Keys;

/* ---- Keys */

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint32_t shortened(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32) & HASH_MASK;
}

static uint64_t hash_of_text(const Table *self, const char *text, uint64_t length)
{
    uint64_t hash = self->seed[0] ^ length, words[2];
    for (; length > 16; text += 16, length -= 16) {
        memcpy(words, text, 16);
        hash = fold(words[0] ^ hash, words[1] ^ self->seed[1]);
    }
    words[0] = words[1] = 0;
    memcpy(words, text, length);
    return fold(words[0] ^ hash, words[1] ^ self->seed[1]);
}

static inline int is_null(const Column *column, int64_t row)
{
    int64_t bit = column->offset + row;
    return column->valid != NULL && !(column->valid[bit >> 3] >> (bit & 7) & 1);
}

static void keys_of_views(const Table *self, const Column *column, int64_t start, int64_t n,
                          Keys *keys)
{
#define FIRST(n) ((UINT64_C(1) << 8 * (n)) - 1)
    /* Of the two words of a view the bytes of length and text: what follows needn't be zero. */
    static const uint64_t own[INLINE + 1][2] = {
        {FIRST(4), 0}, {FIRST(5), 0}, {FIRST(6), 0}, {FIRST(7), 0}, {UINT64_MAX, 0},
        {UINT64_MAX, FIRST(1)}, {UINT64_MAX, FIRST(2)}, {UINT64_MAX, FIRST(3)},
        {UINT64_MAX, FIRST(4)}, {UINT64_MAX, FIRST(5)}, {UINT64_MAX, FIRST(6)},
        {UINT64_MAX, FIRST(7)}, {UINT64_MAX, UINT64_MAX}};
    const char *view = column->data + 16 * (column->offset + start);
    for (int64_t i = 0; i < n; i++, view += 16) {
        uint64_t words[2];
        __builtin_prefetch(view + FAR);
        memcpy(words, view, 16);
        if (is_null(column, start + i))
            words[0] = words[1] = 0;
        uint32_t length = (uint32_t)words[0];
        if (length <= INLINE) {
            keys->first[i] = words[0] &= own[length][0];
            keys->second[i] = words[1] &= own[length][1];
            keys->hash[i] = shortened(fold(words[0] ^ self->seed[0], words[1] ^ self->seed[1]));
        } else {
            int32_t where[2];
            memcpy(where, words + 1, 8);
            const char *text = column->texts[where[0]] + where[1];
            keys->first[i] = words[0];
            keys->second[i] = (uint64_t)(uintptr_t)text;
            keys->hash[i] = shortened(hash_of_text(self, text, length));
        }
    }
}

#define WIDEN(TYPE)                                                \
    for (int64_t i = 0; i < n; i++) {                              \
        TYPE narrow;                                               \
        memcpy(&narrow, from + (int64_t)sizeof narrow * i, sizeof narrow); \
        keys->first[i] = (uint64_t)narrow; /* signs extended */    \
    }                                                              \
    break;

static void keys_of_integers(const Table *self, const Column *column, int64_t start, int64_t n,
                             Keys *keys)
{
    const char *from = column->data + column->size * (column->offset + start);
    switch (column->format) {
    case 'c': WIDEN(int8_t)
    case 'C': WIDEN(uint8_t)
    case 's': WIDEN(int16_t)
    case 'S': WIDEN(uint16_t)
    case 'i': WIDEN(int32_t)
    case 'I': WIDEN(uint32_t)
    default: WIDEN(uint64_t)
    }
    for (int64_t i = 0; i < n; i++) {
        keys->second[i] = 0;
        keys->hash[i] = shortened(fold(keys->first[i] ^ self->seed[0], self->seed[1]));
    }
}

static inline void keys_of(const Table *self, const Column *column, int64_t start, int64_t n,
                           Keys *keys)
{
    if (self->kind == 't')
        keys_of_views(self, column, start, n, keys);
    else
        keys_of_integers(self, column, start, n, keys);
}

static inline int is_long(const Table *self, uint64_t first)
{
    return self->kind == 't' && (uint32_t)first > INLINE;
}

/* ---- The table */

/* Return the slot of a key, or the free one where it would go. */
static inline Slot *slot_of(const Table *self, Slots *slots, const Keys *keys, int64_t i)
{
    const uint64_t first = keys->first[i], second = keys->second[i];
    for (uint64_t at = keys->hash[i];; at++) {
        Slot *slot = slots->slot + (at & slots->mask);
        if (atomic_load_explicit(&slot->number, memory_order_acquire) == 0)
            return slot;
        if (slot->first != first)
            continue;
        if (!is_long(self, first) ? slot->second == second
                                  : memcmp((const char *)(uintptr_t)slot->second,
                                           (const char *)(uintptr_t)second, (uint32_t)first) == 0)
            return slot;
    }
}

static Slots *new_slots(uint64_t count, Slots *former)
{
    if (count > (SIZE_MAX - sizeof(Slots)) / sizeof(Slot))
        return NULL;
    Slots *slots = calloc(1, sizeof(Slots) + (size_t)count * sizeof(Slot));
    if (slots == NULL)
        return NULL;
    slots->mask = count - 1;
    slots->former = former;
    return slots;
}

/* Make room for another key: at most a quarter of the slots are taken, of few an eighth, for a key
   that is not in the first slot it might be in takes twice as long. */
static int make_room(Table *self)
{
    Slots *slots = atomic_load_explicit(&self->slots, memory_order_relaxed);
    uint64_t count = slots->mask + 1;
    uint64_t each = count <= FEW_SLOTS ? 8 : 4;
    if (each * ((uint64_t)atomic_load_explicit(&self->count, memory_order_relaxed) + 1) <= count)
        return 0;
    Slots *larger = new_slots(2 * count, slots);
    if (larger == NULL)
        return -1;
    for (uint64_t i = 0; i < count; i++) {
        Slot *from = slots->slot + i;
        int32_t number = atomic_load_explicit(&from->number, memory_order_relaxed);
        if (number == 0)
            continue;
        uint64_t at = from->hash & larger->mask;
        while (atomic_load_explicit(&larger->slot[at].number, memory_order_relaxed) != 0)
            at = (at + 1) & larger->mask;
        Slot *to = larger->slot + at;
        to->first = from->first;
        to->second = from->second;
        to->hash = from->hash;
        atomic_store_explicit(&to->number, number, memory_order_relaxed);
    }
    atomic_store_explicit(&self->slots, larger, memory_order_release);
    return 0;
}

/* Return a copy of a text that stays where it is. */
static const char *kept(Table *self, const char *text, size_t length)
{
    Arena *arena = self->arena;
    if (arena == NULL || arena->size - arena->used < length) {
        size_t size = length > ARENA ? length : ARENA;
        arena = malloc(sizeof(Arena) + size);
        if (arena == NULL)
            return NULL;
        *arena = (Arena){self->arena, 0, size};
        self->arena = arena;
    }
    char *copy = arena->text + arena->used;
    memcpy(copy, text, length);
    arena->used += length;
    return copy;
}

/* Return the next number, from 1, with room for its key; 0 if there is none. */
static int32_t next_number(Table *self)
{
    int64_t count = atomic_load_explicit(&self->count, memory_order_relaxed);
    if (count >= INT32_MAX || make_room(self))
        return 0;
    atomic_store_explicit(&self->count, count + 1, memory_order_release);
    return (int32_t)(count + 1);
}

/* Write each row's number, −1 where its key is not known; return how many there are of those. */
static int64_t find_column(Table *self, const Column *column, int64_t *numbers)
{
    Slots *slots = atomic_load_explicit(&self->slots, memory_order_acquire);
    const int64_t null = (int64_t)atomic_load_explicit(&self->null, memory_order_acquire) - 1;
    Keys keys;
    int64_t unknown = 0;
    for (int64_t start = 0; start < column->length; start += AHEAD) {
        int64_t n = column->length - start < AHEAD ? column->length - start : AHEAD;
        keys_of(self, column, start, n, &keys);
        for (int64_t i = 0; i < n; i++)
            __builtin_prefetch(slots->slot + (keys.hash[i] & slots->mask));
        for (int64_t i = 0; i < n; i++) {
            Slot *slot = slot_of(self, slots, &keys, i);
            int64_t number = (int64_t)atomic_load_explicit(&slot->number, memory_order_acquire) - 1;
            if (is_null(column, start + i))
                number = null;
            numbers[start + i] = number;
            unknown += number < 0;
        }
    }
    return unknown;
}

/* The same, taking in keys that are not known; `rows` gets where they are met. */
static int number_column(Table *self, const Column *column, int64_t *numbers, int64_t done,
                         int64_t *rows, int64_t *found)
{
    Keys keys;
    for (int64_t row = 0; row < column->length; row++) {
        int64_t i = row % AHEAD, left = column->length - row;
        if (i == 0)
            keys_of(self, column, row, left < AHEAD ? left : AHEAD, &keys);
        int null = is_null(column, row);
        Slots *slots = atomic_load_explicit(&self->slots, memory_order_relaxed);
        _Atomic int32_t *known = null ? &self->null : &slot_of(self, slots, &keys, i)->number;
        int32_t number = atomic_load_explicit(known, memory_order_relaxed);
        numbers[row] = (int64_t)number - 1;
        if (number != 0)
            continue;
        uint64_t second = keys.second[i], first = keys.first[i];
        if (!null && is_long(self, first)) {
            second = (uint64_t)(uintptr_t)kept(self, (const char *)(uintptr_t)second,
                                               (uint32_t)first);
            if (second == 0)
                return -1;
        }
        number = next_number(self);
        if (number == 0)
            return -1;
        if (!null) {
            slots = atomic_load_explicit(&self->slots, memory_order_relaxed);
            Slot *slot = slot_of(self, slots, &keys, i);
            slot->first = first;
            slot->second = second;
            slot->hash = keys.hash[i];
            known = &slot->number;
        }
        atomic_store_explicit(known, number, memory_order_release);
        numbers[row] = (int64_t)number - 1;
        rows[(*found)++] = done + row;
    }
    return 0;
}

/* ---- The Python type */

static PyObject *table_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *kind;
    unsigned long long first, second;
    if (keywords != NULL && PyDict_Size(keywords) > 0) {
        PyErr_SetString(PyExc_TypeError, "Table takes no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "sKK", &kind, &first, &second))
        return NULL;
    if (strlen(kind) != 1 || strchr("ti", kind[0]) == NULL) {
        PyErr_SetString(PyExc_ValueError, "a kind (t or i) is needed");
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Table *self = (Table *)allocate(type, 0);
    if (self == NULL)
        return NULL;
    Slots *slots = new_slots(FIRST_SLOTS, NULL);
    self->kind = kind[0];
    self->seed[0] = first;
    self->seed[1] = second | 1; /* a factor */
    atomic_init(&self->slots, slots);
    atomic_init(&self->count, 0);
    atomic_init(&self->null, 0);
    if (slots == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void table_dealloc(PyObject *object)
{
    Table *self = (Table *)object;
    PyTypeObject *type = Py_TYPE(object);
    for (Slots *slots = atomic_load(&self->slots), *former; slots != NULL; slots = former) {
        former = slots->former;
        free(slots);
    }
    for (Arena *arena = self->arena, *former; arena != NULL; arena = former) {
        former = arena->former;
        free(arena);
    }
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

/* Open a capsule of a column of this table's kind; return NULL and set an error if it is none. */
static struct ArrowArrayStream *open_stream(Table *self, PyObject *capsule, Column *column)
{
    static const char formats[] = "cCsSiIlL";
    static const int sizes[] = {1, 1, 2, 2, 4, 4, 8, 8};
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (stream == NULL)
        return NULL;
    struct ArrowSchema schema;
    if (stream->release == NULL || stream->get_schema(stream, &schema)) {
        PyErr_SetString(PyExc_ValueError, "the Arrow stream has been read, or failed");
        return NULL;
    }
    int text = strcmp(schema.format, "vu") == 0;
    const char *found = strlen(schema.format) == 1 ? strchr(formats, schema.format[0]) : NULL;
    column->format = text ? 't' : schema.format[0];
    column->size = found == NULL ? 16 : sizes[found - formats];
    schema.release(&schema);
    if (self->kind == 't' ? text : found != NULL)
        return stream;
    PyErr_SetString(PyExc_TypeError, "the column is not of this Table's kind");
    return NULL;
}

/* Go through a stream; return how many keys are not known or, with `rows`, were not; −1 is an
   error. */
static int64_t go_through(Table *self, PyObject *capsule, int64_t *numbers, int64_t length,
                          int64_t *rows)
{
    Column column = {0};
    struct ArrowArrayStream *stream = open_stream(self, capsule, &column);
    if (stream == NULL)
        return -1;
    int64_t done = 0, unknown = 0;
    for (;;) {
        struct ArrowArray array;
        if (stream->get_next(stream, &array)) {
            PyErr_SetString(PyExc_ValueError, "the Arrow stream failed");
            return -1;
        }
        if (array.release == NULL)
            break;
        column.length = array.length;
        column.offset = array.offset;
        column.valid = array.null_count ? array.buffers[0] : NULL;
        column.data = array.buffers[1];
        column.texts = (const char **)array.buffers + 2;
        int failed = 0, fits = array.length <= length - done;
        if (fits) {
            Py_BEGIN_ALLOW_THREADS
            if (rows == NULL)
                unknown += find_column(self, &column, numbers + done);
            else
                failed = number_column(self, &column, numbers + done, done, rows, &unknown);
            Py_END_ALLOW_THREADS
        }
        done += array.length;
        array.release(&array);
        if (!fits)
            break;
        if (failed) {
            PyErr_NoMemory();
            return -1;
        }
    }
    if (done == length)
        return unknown;
    PyErr_SetString(PyExc_ValueError, "there must be as many numbers as rows");
    return -1;
}

static int open_numbers(PyObject *object, Py_buffer *view)
{
    if (PyObject_GetBuffer(object, view, PyBUF_CONTIG))
        return -1;
    if (view->itemsize == 8)
        return 0;
    PyBuffer_Release(view);
    PyErr_SetString(PyExc_ValueError, "numbers are 64-bit integers");
    return -1;
}

static PyObject *table_find(PyObject *object, PyObject *args)
{
    PyObject *capsule, *target;
    Py_buffer numbers;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &target) || open_numbers(target, &numbers))
        return NULL;
    int64_t unknown = go_through((Table *)object, capsule, numbers.buf, numbers.len / 8, NULL);
    PyBuffer_Release(&numbers);
    return unknown < 0 ? NULL : PyLong_FromLongLong(unknown);
}

static PyObject *table_number(PyObject *object, PyObject *args)
{
    Table *self = (Table *)object;
    PyObject *capsule, *target, *result = NULL;
    Py_buffer numbers;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &target) || open_numbers(target, &numbers))
        return NULL;
    int64_t *rows = malloc((size_t)numbers.len + 8);
    if (rows == NULL)
        PyErr_NoMemory();
    else if (self->busy)
        PyErr_SetString(PyExc_RuntimeError, "another thread is taking keys in");
    else {
        self->busy = 1;
        int64_t found = go_through(self, capsule, numbers.buf, numbers.len / 8, rows);
        self->busy = 0;
        if (found >= 0)
            result = PyBytes_FromStringAndSize((const char *)rows, 8 * (Py_ssize_t)found);
    }
    free(rows);
    PyBuffer_Release(&numbers);
    return result;
}

static PyObject *table_size(PyObject *object, PyObject *unused)
{
    (void)unused;
    Table *self = (Table *)object;
    return PyLong_FromLongLong(atomic_load_explicit(&self->count, memory_order_acquire));
}

static PyMethodDef methods[] = {
    {"find", table_find, METH_VARARGS,
     "find(stream, numbers): write each row's number, -1 for a key that is not known; return how "
     "many of those there are."},
    {"number", table_number, METH_VARARGS,
     "number(stream, numbers): the same, with new keys taken in; return the rows where they are "
     "met, as bytes of 64-bit integers."},
    {"size", table_size, METH_NOARGS, "size(): return how many keys there are."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots_of_type[] = {
    {Py_tp_new, table_new},
    {Py_tp_dealloc, table_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, "Table(kind, seed, seed): numbers of keys, texts (t) or integers (i)."},
    {0, NULL},
};

static PyType_Spec spec = {"normcli._keys.Table", sizeof(Table), 0, Py_TPFLAGS_DEFAULT,
                           slots_of_type};

static int module_exec(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL)
        return -1;
    int failed = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return failed;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, module_exec}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "normcli._keys", NULL, 0, NULL, module_slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__keys(void)
{
    return PyModuleDef_Init(&definition);
}
