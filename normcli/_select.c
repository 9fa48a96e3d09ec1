/* The loops of a search for percentiles: counting values by bin, and picking those of bins.

   A value's key is an unsigned integer in the order of the values (normcli/selection/keys.py); its
   bin is (key − low) >> shift, and what lies beyond either end counts there. The same in NumPy
   is normcli/selection/grid.py; both give the same integers. Arrays come as contiguous buffers of
   8-byte items; the interpreter's lock is released meanwhile. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define SIGN (UINT64_C(1) << 63)

/* Kinds: 'f' float64, 'i' int64, 'u' uint64. */
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

static inline uint64_t bin_of(const char *at, int kind, uint64_t low, unsigned shift, uint64_t last)
{
    uint64_t key = key_of(at, kind);
    uint64_t inside = (key > low ? key - low : 0) >> shift;
    return inside < last ? inside : last;
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

static int check(int kind, unsigned shift, Py_ssize_t bins)
{
    if ((kind == 'f' || kind == 'i' || kind == 'u') && shift < 64 && bins > 0)
        return 0;
    PyErr_SetString(PyExc_ValueError, "there is no such kind, shift or number of bins");
    return -1;
}

static PyObject *count(PyObject *module, PyObject *arguments)
{
    PyObject *objects[2];
    Py_buffer values, counts;
    int kind;
    unsigned long long low;
    unsigned shift;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "OCKIO", objects, &kind, &low, &shift, objects + 1))
        return NULL;
    if (open_buffer(objects[0], &values, 0, 8))
        return NULL;
    if (open_buffer(objects[1], &counts, 1, 8)) {
        PyBuffer_Release(&values);
        return NULL;
    }
    int failed = check(kind, shift, counts.len / 8);
    if (!failed) {
        const char *at = values.buf, *end = at + values.len;
        int64_t *tally = counts.buf;
        uint64_t last = (uint64_t)counts.len / 8 - 1;
        Py_BEGIN_ALLOW_THREADS
        if (kind == 'f')
            for (; at < end; at += 8)
                tally[bin_of(at, 'f', low, shift, last)]++;
        else
            for (; at < end; at += 8)
                tally[bin_of(at, kind, low, shift, last)]++;
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&values);
    PyBuffer_Release(&counts);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *pick(PyObject *module, PyObject *arguments)
{
    PyObject *objects[4];
    Py_buffer views[4];
    static const Py_ssize_t sizes[] = {8, 4, 8, 8}; /* values, children, picked, slots */
    int kind, open = 0;
    unsigned long long low;
    unsigned shift;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "OCKIOOO", objects, &kind, &low, &shift, objects + 1,
                          objects + 2, objects + 3))
        return NULL;
    while (open < 4 && !open_buffer(objects[open], views + open, open > 1, sizes[open]))
        open++;
    int failed = open < 4 || check(kind, shift, views[1].len / 4);
    if (!failed && (views[2].len < views[0].len || views[3].len < views[0].len)) {
        PyErr_SetString(PyExc_ValueError, "there is too little room for what may be picked");
        failed = 1;
    }
    Py_ssize_t found = 0;
    if (!failed) {
        const char *at = views[0].buf, *end = at + views[0].len;
        const int32_t *child = views[1].buf;
        char *to = views[2].buf;
        int64_t *slot = views[3].buf;
        uint64_t last = (uint64_t)views[1].len / 4 - 1;
        Py_BEGIN_ALLOW_THREADS
        for (; at < end; at += 8) {
            int32_t own = child[bin_of(at, kind, low, shift, last)];
            /* Written in any case, kept only if it is one: no branch to be mistaken about. */
            memcpy(to + 8 * found, at, 8);
            slot[found] = own;
            found += own >= 0;
        }
        Py_END_ALLOW_THREADS
    }
    while (open-- > 0)
        PyBuffer_Release(views + open);
    return failed ? NULL : PyLong_FromSsize_t(found);
}

static PyMethodDef methods[] = {
    {"count", count, METH_VARARGS,
     "count(values, kind, low, shift, counts): add the values to counts, by bin."},
    {"pick", pick, METH_VARARGS,
     "pick(values, kind, low, shift, children, picked, slots): copy the values of bins that have "
     "a child, and its number; return how many."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "normcli._select", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__select(void)
{
    return PyModuleDef_Init(&definition);
}
