/* The loop of a search for percentiles: count values by bin, and keep those of some bins.
   NaN and infinities are left out.

   Bins are of equal width either in keys, which are unsigned integers in the order of the values
   (normcli/selection/keys.py), or in the values themselves; what lies beyond either end counts
   there. The same in NumPy is normcli/selection/loops.py; both give the same integers. Arrays
   come as contiguous buffers; the interpreter's lock is released meanwhile. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <float.h>
#include <stdint.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "plain double arithmetic is needed; NumPy does the work without it"
#endif

#define SIGN (UINT64_C(1) << 63)
#ifndef BLOCK /* tests make it small */
#define BLOCK 512 /* values in hand at a time, whose bins stay in the nearest cache */
#endif

typedef struct {
    int kind; /* 'f' float64, 'i' int64, 'u' uint64: by keys; 'l' float64: by the values */
    uint64_t low;
    unsigned shift;
    double start, per_unit;
    int32_t last;
} Grid;

static inline uint64_t key_of(const char *at, int kind)
{
    uint64_t bits;
    if (kind == 'f') {
        double number;
        memcpy(&number, at, 8);
        number += 0.0; /* −0.0 is the 0.0 that it equals */
        memcpy(&bits, &number, 8);
        return bits ^ ((bits >> 63) ? UINT64_MAX : SIGN);
    }
    memcpy(&bits, at, 8);
    return kind == 'i' ? bits ^ SIGN : bits;
}

static inline void key_bins(const Grid *grid, int kind, const char *at, int many, int32_t *bins)
{
    for (int i = 0; i < many; i++) {
        uint64_t key = key_of(at + 8 * i, kind);
        uint64_t inside = (key > grid->low ? key - grid->low : 0) >> grid->shift;
        bins[i] = inside < (uint64_t)grid->last ? (int32_t)inside : grid->last;
    }
}

static void bins_of(const Grid *grid, const char *at, int many, int32_t *bins)
{
    if (grid->kind == 'f')
        key_bins(grid, 'f', at, many, bins);
    else if (grid->kind != 'l')
        key_bins(grid, grid->kind, at, many, bins);
    else
        for (int i = 0; i < many; i++) {
            double value, last = grid->last;
            memcpy(&value, at + 8 * i, 8);
            value = (value - grid->start) * grid->per_unit;
            value = value > 0 ? value : 0;
            bins[i] = (int32_t)(value < last ? value : last);
        }
}

static inline int differ(const char *a, const char *b, int floats)
{
    if (floats) {
        double x, y;
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        return x != y;
    }
    return memcmp(a, b, 8) != 0;
}

static inline Py_ssize_t keep(const char *at, int many, const int32_t *bins, int floats,
                              int64_t *counts, const int32_t *number, const char *atoms, char *kept)
{
    Py_ssize_t found = 0;
    for (int i = 0; i < many; i++) {
        int32_t own = number[bins[i]];
        counts[bins[i]]++;
        /* Written in any case, kept only if it is one: no branch to be mistaken about. */
        memcpy(kept + 8 * found, at + 8 * i, 8);
        found += (own != 0) & differ(at + 8 * i, atoms + 8 * (Py_ssize_t)own, floats);
    }
    return found;
}

static int all_finite(const char *at, int many)
{
    double odd[8] = {0}; /* what is not finite makes NaN; eight sums needn't wait for each other */
    int i = 0;
    for (; i + 8 <= many; i += 8)
        for (int k = 0; k < 8; k++) {
            double value;
            memcpy(&value, at + 8 * (i + k), 8);
            odd[k] += value - value;
        }
    for (; i < many; i++) {
        double value;
        memcpy(&value, at + 8 * i, 8);
        odd[0] += value - value;
    }
    for (int k = 1; k < 8; k++)
        odd[0] += odd[k];
    return odd[0] == 0;
}

static int only_finite(const char *at, int many, char *to)
{
    int found = 0;
    for (int i = 0; i < many; i++)
        if (all_finite(at + 8 * i, 1))
            memcpy(to + 8 * found++, at + 8 * i, 8);
    return found;
}

static Py_ssize_t sweep_all(const Grid *grid, Py_buffer *views)
{
    const char *at = views[0].buf;
    char *to = views[4].buf, finite[8 * BLOCK];
    Py_ssize_t left = views[0].len / 8, found = 0;
    int32_t bins[BLOCK];
    while (left > 0) {
        int many = left < BLOCK ? (int)left : BLOCK;
        if (grid->kind == 'f' || grid->kind == 'l') {
            int whole = all_finite(at, many), some = whole ? many : only_finite(at, many, finite);
            const char *from = whole ? at : finite;
            bins_of(grid, from, some, bins);
            found += keep(from, some, bins, 1, views[1].buf, views[2].buf, views[3].buf,
                          to + 8 * found);
        } else {
            bins_of(grid, at, many, bins);
            found += keep(at, many, bins, 0, views[1].buf, views[2].buf, views[3].buf,
                          to + 8 * found);
        }
        at += 8 * many;
        left -= many;
    }
    return found;
}

/* A contiguous buffer of items of a size, or an error. */
static int open_buffer(PyObject *object, Py_buffer *view, int writable, Py_ssize_t size)
{
    if (PyObject_GetBuffer(object, view, writable ? PyBUF_CONTIG : PyBUF_CONTIG_RO))
        return -1;
    if (view->itemsize == size)
        return 0;
    PyBuffer_Release(view);
    PyErr_Format(PyExc_ValueError, "items of %zd bytes are needed", size);
    return -1;
}

static int check(const Grid *grid, const Py_buffer *views)
{
    Py_ssize_t bins = views[1].len / 8, atoms = views[3].len / 8;
    const int32_t *number = views[2].buf;
    const char *wrong = NULL;
    if (memchr("fiul", grid->kind, 4) == NULL || grid->shift > 63)
        wrong = "there is no such kind or shift";
    else if (bins < 1 || bins > INT32_MAX || views[2].len / 4 != bins)
        wrong = "counts and numbers have to be as many as there are bins";
    else if (views[4].len < views[0].len)
        wrong = "there is too little room for what may be kept";
    for (Py_ssize_t i = 0; wrong == NULL && i < bins; i++)
        if (number[i] < 0 || number[i] >= atoms)
            wrong = "there is no such atom";
    if (wrong != NULL)
        PyErr_SetString(PyExc_ValueError, wrong);
    return wrong == NULL ? 0 : -1;
}

static PyObject *sweep(PyObject *module, PyObject *arguments)
{
    PyObject *objects[5];
    Py_buffer views[5];
    static const Py_ssize_t sizes[] = {8, 8, 4, 8, 8};
    static const char writable[] = {0, 1, 0, 0, 1};
    unsigned long long low;
    Grid grid;
    int open = 0;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "OCKIddOOOO", objects, &grid.kind, &low, &grid.shift,
                          &grid.start, &grid.per_unit, objects + 1, objects + 2, objects + 3,
                          objects + 4))
        return NULL;
    while (open < 5 && !open_buffer(objects[open], views + open, writable[open], sizes[open]))
        open++;
    Py_ssize_t found = -1;
    if (open == 5 && !check(&grid, views)) {
        grid.low = low;
        grid.last = (int32_t)(views[1].len / 8 - 1);
        Py_BEGIN_ALLOW_THREADS
        found = sweep_all(&grid, views);
        Py_END_ALLOW_THREADS
    }
    while (open-- > 0)
        PyBuffer_Release(views + open);
    return found < 0 ? NULL : PyLong_FromSsize_t(found);
}

static PyMethodDef methods[] = {
    {"sweep", sweep, METH_VARARGS,
     "sweep(values, kind, low, shift, start, per_unit, counts, numbers, atoms, kept): add the "
     "finite values to counts, by bin, and copy those of bins with a number, but for the atom of that "
     "number; return how many."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "normcli._select", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__select(void)
{
    return PyModuleDef_Init(&definition);
}
