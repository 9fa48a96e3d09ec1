/* The exact kernel: counts, extremes, exact sums and sums of squares of a column in one sweep.

   A float64 is m·2^(p − 1074) with a whole m < 2^53 and p from 0 to 2045, so sums of values and
   of squares are whole numbers of units of 2^−1074 and 2^−2148. Nothing here rounds; what
   normcli/statistics/kernel.py computes with NumPy is the same numbers, bit for bit.

   A Sweep holds one sum for each cell (a group). Values get there by one of three ways:

   bins    floats without groups. Added up by sign and exponent: 4,096 bins of Σf and Σf², where
           f are the 52 stored bits of the mantissa; those of a few values at a time first, whose
           Σf fits 64 bits. float32 has bins of its own, 512 with sums of 64 bits, for its
           mantissas have 23.
   cells   values of groups, and all integers. One cache line for each cell with Σx and Σx² in
           units of 2^unit; a float takes part if it is a multiple of the unit below 2^62 of them.
           Where a batch has many rows of each cell, they are taken in the order of their cells.
   digits  floats that are not, and what bins and cells are emptied into: for each cell a row of
           digits in base 2^32, kept in int64 so that most additions need no carry.

   Columns come by the Arrow C stream interface, without a copy; the interpreter's lock is
   released meanwhile. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "_arrow.h"

#if !defined(__SIZEOF_INT128__) || FLT_EVAL_METHOD != 0
#error "128-bit integers and plain double arithmetic are needed; NumPy does the work without them"
#endif

typedef __int128 i128;
typedef unsigned __int128 u128;

/* Tests make these small, so that what is rare happens often. */
#ifndef BLOCK
#define BLOCK 1024 /* values in hand at a time, which stay in the cache */
#endif
#ifndef BIN_LIMIT
#define BIN_LIMIT (1 << 19) /* values in bins, so that Σf² < 2^(104 + 19) */
#endif
#ifndef FEW
#define FEW (1 << 12) /* values in the bins of a few, so that Σf < 2^(52 + 12) */
#endif
#ifndef SMALL_LIMIT
#define SMALL_LIMIT (1 << 17) /* float32 values in bins, so that Σf² < 2^(46 + 17) */
#endif
#ifndef CARRY_LIMIT
#define CARRY_LIMIT (1 << 28) /* additions to a digit, each below 2^34 */
#endif
#ifndef REVIEW_AFTER
#define REVIEW_AFTER (1 << 16) /* values after which the unit of cells is thought over */
#endif

#ifndef SORTED
#define SORTED (1 << 16) /* rows that are put in the order of their cells at a time, at most 2^16 */
#endif
#ifndef RUN
#define RUN 4 /* rows of a cell, on average, from which on that pays */
#endif

#define SQUARES 16  /* numbers below 2^62 whose squares are below 2^128 together */
#ifndef WORTH_EIGHT
#define WORTH_EIGHT 32 /* rows of a cell from which on it pays to add eight up at a time */
#endif
#define AHEAD 16    /* how far ahead cells are fetched */
#define LINE 64     /* bytes of a line of the cache */
#define FAR 8192    /* bytes ahead that values are fetched: what reads ahead by itself stops at
                       the end of each page of memory, and then every value waits */
#define LANES 2     /* neighbours go to different bins: they needn't wait for each other */
#define BINS 4096   /* sign and exponent */
#define SPECIAL 2047 /* the exponent of infinities and NaN */
#define SMALL_LANES 4
#define SMALL_BINS 512
#define SMALL_SPECIAL 255
#define FRACTION ((UINT64_C(1) << 52) - 1)
#define LEAST 1074  /* 2^−LEAST is the smallest float64 */
#define REACH 10    /* binades that fit 62 bits beside a mantissa of 53 */

/* ---- The state */

typedef union {
    double f;
    int64_t i;
    uint64_t u;
} Number;

typedef uint64_t Two __attribute__((vector_size(16)));
typedef uint32_t Four __attribute__((vector_size(16)));
typedef double TwoFloats __attribute__((vector_size(16)));
typedef float FourFloats __attribute__((vector_size(16)));

typedef struct {
    uint64_t count, sum;
    u128 squares;
} FewBin;

typedef struct {
    u128 sum; /* count · 2^84 + Σf */
    u128 squares;
} Bin;

typedef struct {
    Bin bin[BINS];
    FewBin few[LANES * BINS];
    uint16_t touched[LANES * BINS]; /* which of the few are not empty */
    int64_t touches, values, few_values;
} Bins;

typedef Two SmallBin; /* count · 2^40 + Σf, and Σf² */

typedef struct {
    i128 sum;
    u128 squares;
    uint64_t more_squares; /* the bits from 2^128 */
    uint64_t count;
    Number low, high;
} Cell;

typedef struct {
    uint32_t cell, end;
} Run;

/* Some rows, from `start`, in the order of their cells: a run of rows for each cell. */
typedef struct Sorted {
    struct Sorted *next;
    int64_t start, n;
    uint32_t runs;
    Run *run;
    uint16_t row[];
} Sorted;

#define ROWS "normcli.rows"

/* The cells of a batch's rows, which all of its columns share. */
typedef struct {
    char busy;
    Py_buffer view;
    const uint32_t *ids;
    int64_t length, cells;
    Sorted *sorted;
    uint32_t *tally; /* one for each cell */
    int64_t *numbers; /* SORTED of them */
} Rows;

enum { A_NULL, A_NAN, AN_INF, ASIDE };

typedef struct {
    PyObject_HEAD
    char kind; /* 'f', 'i' or 'u' */
    char busy;
    int64_t cells, room;
    Cell *cell;
    void *cell_memory;
    int64_t (*aside)[ASIDE]; /* values that do not count */
    int unit, has_unit;
    int64_t seen, slow, review; /* floats by cell, how many of them were no multiple of the unit */
    Bins *bins;
    SmallBin *small_bins;
    int64_t small_binned;
    int64_t *digits; /* for each cell `width` of Σx, from 2^(32·first − 1074), and twice of Σx² */
    int first, width;
    int64_t added;
} Sweep;

static double power(int exponent) /* of two; a normal number */
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double result;
    memcpy(&result, &bits, 8);
    return result;
}

/* ---- Digits */

static int reserve(Sweep *self, int first, int end)
{
    if (self->digits != NULL) {
        if (first >= self->first && end <= self->first + self->width)
            return 0;
        if (first > self->first)
            first = self->first;
        if (end < self->first + self->width)
            end = self->first + self->width;
    }
    int width = end - first, shift = self->first - first;
    if ((size_t)self->room > SIZE_MAX / 24 / (size_t)width)
        return -1;
    int64_t *digits = calloc((size_t)self->room, 24 * (size_t)width);
    if (digits == NULL)
        return -1;
    for (int64_t i = 0; self->digits != NULL && i < self->cells; i++) {
        int64_t *old = self->digits + 3 * i * self->width, *row = digits + 3 * i * width;
        memcpy(row + shift, old, 8 * (size_t)self->width);
        memcpy(row + width + 2 * shift, old + self->width, 16 * (size_t)self->width);
    }
    free(self->digits);
    self->digits = digits;
    self->first = first;
    self->width = width;
    return 0;
}

static void carry(int64_t *digits, int count)
{
    for (int i = 0; i + 1 < count; i++) {
        int64_t low = digits[i] & UINT32_MAX;
        digits[i + 1] += (digits[i] - low) / (INT64_C(1) << 32);
        digits[i] = low;
    }
}

/* Make sure that so many more additions do not overflow. */
static int make_room(Sweep *self, int64_t additions)
{
    if (self->added + additions > CARRY_LIMIT && self->digits != NULL) {
        int full = 0; /* the top digit, where carries end */
        for (int64_t i = 0; i < self->cells; i++) {
            const int64_t *end = self->digits + 3 * (i + 1) * self->width;
            full |= llabs(end[-1]) >> 32 || llabs(end[-2 * self->width - 1]) >> 32;
        }
        if (full && reserve(self, self->first, self->first + self->width + 1))
            return -1;
        for (int64_t i = 0; i < self->cells; i++) {
            int64_t *row = self->digits + 3 * i * self->width;
            carry(row, self->width);
            carry(row + self->width, 2 * self->width);
        }
        self->added = 1;
    }
    self->added += additions;
    return 0;
}

/* Add ±(words, least first)·2^place to digits that begin at 2^0. */
static void spread(int64_t *digits, int place, const uint64_t *words, int count, int negative)
{
    uint64_t rest = 0;
    digits += place / 32;
    for (int i = 0; i < 2 * count; i++) {
        uint64_t half = i % 2 ? words[i / 2] >> 32 : words[i / 2] & UINT32_MAX;
        rest |= half << (place % 32);
        digits[i] += negative ? -(int64_t)(rest & UINT32_MAX) : (int64_t)(rest & UINT32_MAX);
        rest >>= 32;
    }
    digits[2 * count] += negative ? -(int64_t)rest : (int64_t)rest;
}

/* Add a sum and a sum of squares, in units of 2^(place − 1074) and of its square, to a cell. */
static int add_sums(Sweep *self, int64_t cell, int place, i128 sum, u128 squares, uint64_t more)
{
    u128 size = sum < 0 ? -(u128)sum : (u128)sum;
    uint64_t words[] = {(uint64_t)size, (uint64_t)(size >> 64)};
    uint64_t square_words[] = {(uint64_t)squares, (uint64_t)(squares >> 64), more};
    if (reserve(self, place / 32, (place / 32) + 5))
        return -1;
    int64_t *row = self->digits + 3 * cell * self->width;
    int from = place - 32 * self->first;
    spread(row, from, words, 2, sum < 0);
    spread(row + self->width, 2 * from, square_words, 3, 0);
    return 0;
}

/* Add m·2^(place − 1074) and its square to a cell. */
static int add_value(Sweep *self, int64_t cell, int place, uint64_t m, int negative)
{
    if (make_room(self, 1) || reserve(self, place / 32, (place / 32) + 3))
        return -1;
    int64_t *row = self->digits + 3 * cell * self->width;
    int64_t *sum = row + (place / 32) - self->first;
    int64_t *square = row + self->width + (place / 16) - 2 * self->first;
    u128 x = (u128)m << (place % 32), xx = (u128)m * m;
    u128 low = (u128)(uint64_t)xx << (2 * place % 32), high = (xx >> 64) << (2 * place % 32);
    int64_t sign = negative ? -1 : 1;
    sum[0] += sign * (int64_t)(x & UINT32_MAX);
    sum[1] += sign * (int64_t)(x >> 32 & UINT32_MAX);
    sum[2] += sign * (int64_t)(x >> 64);
    square[0] += (int64_t)(low & UINT32_MAX);
    square[1] += (int64_t)(low >> 32 & UINT32_MAX);
    square[2] += (int64_t)(low >> 64) + (int64_t)(high & UINT32_MAX);
    square[3] += (int64_t)(high >> 32 & UINT32_MAX);
    square[4] += (int64_t)(high >> 64);
    return 0;
}

/* ---- Emptying bins and cells into digits */

static void empty_few(Bins *bins)
{
    for (int64_t i = 0; i < bins->touches; i++) {
        FewBin *few = bins->few + bins->touched[i];
        Bin *bin = bins->bin + bins->touched[i] / LANES;
        bin->sum += ((u128)few->count << 84) + few->sum;
        bin->squares += few->squares;
        *few = (FewBin){0, 0, 0};
    }
    bins->values += bins->few_values;
    bins->few_values = bins->touches = 0;
}

static int empty_bins(Sweep *self)
{
    if (self->bins == NULL)
        return 0;
    empty_few(self->bins);
    if (self->bins->values == 0)
        return 0;
    if (make_room(self, BINS))
        return -1;
    for (int i = 0; i < BINS; i++) {
        Bin *bin = self->bins->bin + i;
        int exponent = i & SPECIAL, negative = i > SPECIAL;
        u128 count = bin->sum >> 84, sum = bin->sum & (((u128)1 << 84) - 1);
        u128 squares = bin->squares;
        *bin = (Bin){0, 0};
        if (count == 0 || exponent == SPECIAL)
            continue;
        if (exponent != 0) { /* m = 2^52 + f */
            squares += (count << 104) + (sum << 53);
            sum += count << 52;
        }
        if (add_sums(self, 0, exponent ? exponent - 1 : 0, negative ? -(i128)sum : (i128)sum,
                     squares, 0))
            return -1;
        self->cell[0].count += (uint64_t)count;
    }
    self->bins->values = 0;
    return 0;
}

static int empty_small_bins(Sweep *self)
{
    if (self->small_bins == NULL || self->small_binned == 0)
        return 0;
    if (make_room(self, SMALL_LANES * SMALL_BINS))
        return -1;
    for (int i = 0; i < SMALL_LANES * SMALL_BINS; i++) {
        SmallBin *bin = self->small_bins + i;
        int exponent = i / SMALL_LANES & SMALL_SPECIAL, negative = i / SMALL_LANES > SMALL_SPECIAL;
        uint64_t count = (*bin)[0] >> 40;
        u128 sum = (*bin)[0] & ((UINT64_C(1) << 40) - 1), squares = (*bin)[1];
        *bin = (SmallBin){0, 0};
        if (count == 0 || exponent == SMALL_SPECIAL)
            continue;
        if (exponent != 0) { /* m = 2^23 + f */
            squares += ((u128)count << 46) + (sum << 24);
            sum += (u128)count << 23;
        }
        if (add_sums(self, 0, LEAST - 149 + (exponent ? exponent - 1 : 0),
                     negative ? -(i128)sum : (i128)sum, squares, 0))
            return -1;
        self->cell[0].count += count;
    }
    self->small_binned = 0;
    return 0;
}

static int empty_cells(Sweep *self)
{
    int place = LEAST + (self->has_unit ? self->unit : 0);
    if (make_room(self, 1))
        return -1;
    for (int64_t i = 0; i < self->cells; i++) {
        Cell *cell = self->cell + i;
        if (cell->squares == 0 && cell->more_squares == 0)
            continue; /* then the sum is 0, too */
        if (add_sums(self, i, place, cell->sum, cell->squares, cell->more_squares))
            return -1;
        cell->sum = 0;
        cell->squares = 0;
        cell->more_squares = 0;
    }
    return 0;
}

/* ---- Sweeping over a block of values; `at` needn't be aligned */

static inline int is_set(const uint8_t *bits, int64_t bit)
{
    return bits[bit >> 3] >> (bit & 7) & 1;
}

static inline uint64_t bits_at(const char *at, int64_t i)
{
    uint64_t bits;
    memcpy(&bits, at + 8 * i, 8);
    return bits;
}

static inline double float_at(const char *at, int64_t i)
{
    double value;
    memcpy(&value, at + 8 * i, 8);
    return value;
}

static inline int exponent_of(uint64_t bits)
{
    return (int)(bits >> 52) & SPECIAL;
}

/* Products of numbers below 2^32. */
static inline Two times(Two a, Two b)
{
#ifdef __x86_64__
    return (Two)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return a * b;
#endif
}

/* The lesser and the greater of two; the second where the first is NaN. */
#ifdef __x86_64__
#define LESSER(a, b) (TwoFloats) _mm_min_pd((__m128d)(a), (__m128d)(b))
#define GREATER(a, b) (TwoFloats) _mm_max_pd((__m128d)(a), (__m128d)(b))
#define SMALL_LESSER(a, b) (FourFloats) _mm_min_ps((__m128)(a), (__m128)(b))
#define SMALL_GREATER(a, b) (FourFloats) _mm_max_ps((__m128)(a), (__m128)(b))
#else
#define CHOSEN(mask, a, b) ((((mask) & (Chosen)(a)) | (~(mask) & (Chosen)(b))))
typedef int64_t Chosen __attribute__((vector_size(16)));
#define LESSER(a, b) (TwoFloats) CHOSEN((Chosen)((a) < (b)), a, b)
#define GREATER(a, b) (TwoFloats) CHOSEN((Chosen)((a) > (b)), a, b)
#define SMALL_LESSER(a, b) (FourFloats) CHOSEN((Chosen)((a) < (b)), a, b)
#define SMALL_GREATER(a, b) (FourFloats) CHOSEN((Chosen)((a) > (b)), a, b)
#endif

static inline void into_few(Bins *bins, int lane, uint64_t bits)
{
    uint64_t fraction = bits & FRACTION, place = (bits >> 52) * LANES + (uint64_t)lane;
    FewBin *few = bins->few + place;
    if (few->count++ == 0)
        bins->touched[bins->touches++] = (uint16_t)place;
    few->sum += fraction;
    few->squares += (u128)fraction * fraction;
}

static uint64_t specials(const Bins *bins)
{
    uint64_t count = 0;
    for (int lane = 0; lane < LANES; lane++)
        count += bins->few[SPECIAL * LANES + lane].count +
                 bins->few[(BINS - 1) * LANES + lane].count;
    return count;
}

static int floats_of_one(Sweep *self, const char *at, int64_t n)
{
    if (self->bins == NULL && (self->bins = calloc(1, sizeof(Bins))) == NULL)
        return -1;
    Bins *bins = self->bins;
    if (bins->few_values + n > FEW)
        empty_few(bins);
    if (bins->values + bins->few_values + n > BIN_LIMIT && empty_bins(self))
        return -1;
    bins->few_values += n;
    Cell *cell = self->cell;
    uint64_t before = specials(bins);
    TwoFloats low = {cell->low.f, cell->low.f}, high = {cell->high.f, cell->high.f};
    int64_t i = 0;
    for (; i + LINE / 8 <= n; i += LINE / 8) {
        __builtin_prefetch(at + 8 * i + FAR);
        for (int j = 0; j < LINE / 8; j += LANES) {
            TwoFloats values;
            memcpy(&values, at + 8 * (i + j), sizeof values);
            low = LESSER(values, low);
            high = GREATER(values, high);
            for (int lane = 0; lane < LANES; lane++)
                into_few(bins, lane, bits_at(at, i + j + lane));
        }
    }
    for (; i < n; i++) {
        TwoFloats value = {float_at(at, i), float_at(at, i)};
        low = LESSER(value, low);
        high = GREATER(value, high);
        into_few(bins, 0, bits_at(at, i));
    }
    if (specials(bins) == before) {
        for (int lane = 0; lane < LANES; lane++) {
            cell->low.f = low[lane] < cell->low.f ? low[lane] : cell->low.f;
            cell->high.f = high[lane] > cell->high.f ? high[lane] : cell->high.f;
        }
        return 0;
    }
    for (i = 0; i < n; i++) { /* infinities among them: the extremes once more, without */
        double value = float_at(at, i);
        if (exponent_of(bits_at(at, i)) == SPECIAL) {
            self->aside[0][value == value ? AN_INF : A_NAN]++;
            continue;
        }
        cell->low.f = value < cell->low.f ? value : cell->low.f;
        cell->high.f = value > cell->high.f ? value : cell->high.f;
    }
    return 0;
}

static inline uint32_t small_bits_at(const char *at, int64_t i)
{
    uint32_t bits;
    memcpy(&bits, at + 4 * i, 4);
    return bits;
}

static inline float small_at(const char *at, int64_t i)
{
    float value;
    memcpy(&value, at + 4 * i, 4);
    return value;
}

static uint64_t small_specials(const SmallBin *bins)
{
    uint64_t count = 0;
    for (int lane = 0; lane < SMALL_LANES; lane++)
        count += (bins[SMALL_SPECIAL * SMALL_LANES + lane][0] >> 40) +
                 (bins[(SMALL_BINS - 1) * SMALL_LANES + lane][0] >> 40);
    return count;
}

static inline void into_small_bins(SmallBin *bins, int lane, const uint32_t *bits, Two fractions)
{
    Two sums = fractions + (UINT64_C(1) << 40), squares = times(fractions, fractions);
    bins[(bits[0] >> 23) * SMALL_LANES + lane] += (Two){sums[0], squares[0]};
    bins[(bits[1] >> 23) * SMALL_LANES + lane + 1] += (Two){sums[1], squares[1]};
}

static int small_floats_of_one(Sweep *self, const char *at, int64_t n)
{
    if (self->small_bins == NULL &&
        (self->small_bins = calloc(SMALL_LANES * SMALL_BINS, sizeof(SmallBin))) == NULL)
        return -1;
    if (self->small_binned + n > SMALL_LIMIT && empty_small_bins(self))
        return -1;
    self->small_binned += n;
    SmallBin *bins = self->small_bins;
    Cell *cell = self->cell;
    uint64_t before = small_specials(bins);
    FourFloats low = {INFINITY, INFINITY, INFINITY, INFINITY}, high = -low;
    int64_t i = 0;
    for (; i + LINE / 4 <= n; i += LINE / 4) {
        __builtin_prefetch(at + 4 * i + FAR);
        for (int j = 0; j < LINE / 4; j += SMALL_LANES) {
            uint32_t bits[SMALL_LANES];
            FourFloats values;
            Four fractions;
            memcpy(bits, at + 4 * (i + j), sizeof bits);
            memcpy(&values, bits, sizeof values);
            memcpy(&fractions, bits, sizeof fractions);
            fractions &= (UINT32_C(1) << 23) - 1;
            low = SMALL_LESSER(values, low);
            high = SMALL_GREATER(values, high);
            into_small_bins(bins, 0, bits, (Two){fractions[0], fractions[1]});
            into_small_bins(bins, 2, bits + 2, (Two){fractions[2], fractions[3]});
        }
    }
    for (; i < n; i++) {
        uint32_t bits = small_bits_at(at, i);
        uint64_t fraction = bits & ((UINT32_C(1) << 23) - 1);
        float value = small_at(at, i);
        FourFloats values = {value, value, value, value};
        low = SMALL_LESSER(values, low);
        high = SMALL_GREATER(values, high);
        bins[(bits >> 23) * SMALL_LANES] +=
            (Two){(UINT64_C(1) << 40) + fraction, fraction * fraction};
    }
    if (small_specials(bins) == before) {
        for (int lane = 0; lane < SMALL_LANES; lane++) {
            cell->low.f = low[lane] < cell->low.f ? low[lane] : cell->low.f;
            cell->high.f = high[lane] > cell->high.f ? high[lane] : cell->high.f;
        }
        return 0;
    }
    for (i = 0; i < n; i++) { /* infinities among them: the extremes once more, without */
        float value = small_at(at, i);
        if ((small_bits_at(at, i) >> 23 & SMALL_SPECIAL) == SMALL_SPECIAL) {
            self->aside[0][value == value ? AN_INF : A_NAN]++;
            continue;
        }
        cell->low.f = value < cell->low.f ? value : cell->low.f;
        cell->high.f = value > cell->high.f ? value : cell->high.f;
    }
    return 0;
}

static inline void count_float(Cell *cell, double value)
{
    cell->count++;
    if (value < cell->low.f)
        cell->low.f = value;
    if (value > cell->high.f)
        cell->high.f = value;
}

static inline void add_square(Cell *cell, u128 square)
{
    cell->squares += square;
    cell->more_squares += cell->squares < square;
}

static int float_beside_unit(Sweep *self, int64_t id, uint64_t bits)
{
    int exponent = exponent_of(bits);
    uint64_t fraction = bits & FRACTION;
    double value;
    memcpy(&value, &bits, 8);
    if (exponent == SPECIAL) {
        self->aside[id][fraction ? A_NAN : AN_INF]++;
        return 0;
    }
    self->slow++;
    count_float(self->cell + id, value);
    if (exponent == 0)
        return add_value(self, id, 0, fraction, bits >> 63 != 0);
    return add_value(self, id, exponent - 1, fraction | (FRACTION + 1), bits >> 63 != 0);
}

static int floats_of_cells(Sweep *self, const char *at, const uint32_t *ids, int64_t n)
{
    const double unit = power(self->unit), units = power(-self->unit);
    Cell *cells = self->cell;
    self->seen += n;
    for (int64_t i = 0; i < n; i++) {
        double value = float_at(at, i), scaled = value * units;
        __builtin_prefetch(at + 8 * i + FAR);
        Cell *cell = cells + ids[i];
        __builtin_prefetch(cells + ids[i + AHEAD], 1);
        if (scaled > -0x1p62 && scaled < 0x1p62) {
            int64_t x = (int64_t)scaled;
            if ((double)x * unit == value) {
                cell->sum += x;
                add_square(cell, (u128)((i128)x * x));
                count_float(cell, value);
                continue;
            }
        }
        if (float_beside_unit(self, ids[i], bits_at(at, i)))
            return -1;
    }
    return 0;
}

/* Choose the unit by which most of these floats can be counted exactly. */
static int choose_unit(Sweep *self, const char *at, int64_t n)
{
    int counts[SPECIAL + REACH] = {0}, inside = 0, most = 0, top = 1023;
    if (self->has_unit && empty_cells(self))
        return -1;
    for (int64_t i = 0; i < n; i++)
        counts[exponent_of(bits_at(at, i)) + REACH - 1]++;
    counts[REACH - 1] = 0; /* zeros fit any unit, subnormal numbers none */
    for (int e = 1; e < SPECIAL; e++) { /* windows of exponents e − REACH + 1 … e */
        inside += counts[e + REACH - 1] - counts[e - 1];
        if (inside >= most && inside > 0) {
            most = inside;
            top = e;
        }
    }
    int unit = top - 1022 - 62; /* |x| < 2^(top − 1022) */
    self->unit = unit < -1000 ? -1000 : unit;
    self->has_unit = 1;
    self->seen = 0;
    self->slow = 0;
    return 0;
}

/* Think the unit over if there is none, or if too few values are multiples of it. */
static int review_unit(Sweep *self, const char *at, int64_t n)
{
    int poor = self->seen >= self->review && self->slow > self->seen / 8;
    if (poor) /* ever more rarely: nothing suits values of all sizes */
        self->review *= 4;
    return poor || !self->has_unit ? choose_unit(self, at, n) : 0;
}

/* Integers of one kind; `ids` NULL where all are of cell 0. */
#define SWEEP_INTEGERS(NAME, TYPE, MEMBER, WIDER)                                      \
    static void NAME(Sweep *self, const char *at, const uint32_t *ids, int64_t n)      \
    {                                                                                  \
        Cell only = self->cell[0], *cells = ids == NULL ? &only : self->cell;          \
        for (int64_t i = 0; i < n; i++) {                                              \
            TYPE x;                                                                    \
            __builtin_prefetch(at + 8 * i + FAR);                                      \
            memcpy(&x, at + 8 * i, 8);                                                 \
            Cell *cell = ids == NULL ? &only : cells + ids[i];                         \
            if (ids != NULL)                                                           \
                __builtin_prefetch(cells + ids[i + AHEAD], 1);                         \
            cell->sum += (i128)x;                                                      \
            add_square(cell, (u128)((WIDER)x * x));                                    \
            cell->count++;                                                             \
            cell->low.MEMBER = x < cell->low.MEMBER ? x : cell->low.MEMBER;            \
            cell->high.MEMBER = x > cell->high.MEMBER ? x : cell->high.MEMBER;         \
        }                                                                              \
        if (ids == NULL)                                                               \
            self->cell[0] = only;                                                      \
    }

SWEEP_INTEGERS(signed_integers, int64_t, i, i128)
SWEEP_INTEGERS(unsigned_integers, uint64_t, u, u128)

/* ---- From a column to blocks of 64-bit values */

typedef struct {
    char format;
    int size;
    const char *data;
    const uint8_t *valid; /* a bitmap; NULL if there are no nulls */
    int64_t offset, length;
    const uint32_t *ids; /* NULL: all of cell 0 */
} Column;

#define WIDEN(TYPE, WIDE)                                              \
    for (int64_t i = 0; i < n; i++) {                                  \
        TYPE narrow;                                                   \
        memcpy(&narrow, from + (int64_t)sizeof(TYPE) * i, sizeof(TYPE)); \
        WIDE wide = (WIDE)narrow;                                      \
        memcpy(to + 8 * i, &wide, 8);                                  \
    }

/* Return 64-bit values: those of the column itself, or a copy in `to`. */
static const char *widened(const Column *column, int64_t start, int64_t n, char *to)
{
    const char *from = column->data + (column->offset + start) * column->size;
    switch (column->format) {
    case 'f': WIDEN(float, double) return to;
    case 'c': WIDEN(int8_t, int64_t) return to;
    case 's': WIDEN(int16_t, int64_t) return to;
    case 'i': WIDEN(int32_t, int64_t) return to;
    case 'C': WIDEN(uint8_t, int64_t) return to;
    case 'S': WIDEN(uint16_t, int64_t) return to;
    case 'I': WIDEN(uint32_t, int64_t) return to;
    default: return from;
    }
}

enum { OK, NO_MEMORY, BAD_IDS };

static int sweep_block(Sweep *self, const Column *column, int64_t start, int64_t n)
{
    if (column->format == 'f' && column->valid == NULL && column->ids == NULL)
        return small_floats_of_one(self, column->data + 4 * (column->offset + start), n)
                   ? NO_MEMORY : OK;
    char values[8 * BLOCK];
    uint32_t ids[BLOCK + AHEAD];
    const char *at = widened(column, start, n, values);
    memset(ids, 0, sizeof ids);
    if (column->ids != NULL) {
        uint32_t largest = 0;
        for (int64_t i = 0; i < n; i++) {
            ids[i] = column->ids[start + i];
            largest = ids[i] > largest ? ids[i] : largest;
        }
        if (largest >= self->cells)
            return BAD_IDS;
    }
    if (column->valid != NULL) {
        int64_t kept = 0;
        for (int64_t i = 0; i < n; i++) {
            __builtin_prefetch(at + 8 * i + FAR);
            int64_t bit = column->offset + start + i;
            int valid = is_set(column->valid, bit);
            uint32_t id = ids[i];
            if (!valid)
                self->aside[id][A_NULL]++;
            memmove(values + 8 * kept, at + 8 * i, 8);
            ids[kept] = id;
            kept += valid;
        }
        at = values;
        n = kept;
    }
    const uint32_t *cells = column->ids == NULL ? NULL : ids;
    if (self->kind == 'i')
        signed_integers(self, at, cells, n);
    else if (self->kind == 'u')
        unsigned_integers(self, at, cells, n);
    else if (cells == NULL)
        return floats_of_one(self, at, n) ? NO_MEMORY : OK;
    else {
        if (review_unit(self, at, n))
            return NO_MEMORY;
        return floats_of_cells(self, at, cells, n) ? NO_MEMORY : OK;
    }
    return OK;
}

/* ---- Rows in the order of their cells

   With many rows of each cell in hand, these are laid out one cell after the other, as whole
   numbers of units; then a cell's sums stay in registers. Where each row goes is found once for
   all columns of a batch. */

#define NOWHERE INT64_MIN /* in place of a number that does not count, or has been counted */

/* Return how some rows are to be laid out; sorted when the first column asks for it. */
static const Sorted *sorted_rows(Rows *rows, int64_t start, int64_t n)
{
    for (const Sorted *known = rows->sorted; known != NULL; known = known->next)
        if (known->start == start && known->n == n)
            return known;
    const uint32_t *ids = rows->ids + start;
    uint32_t *tally = rows->tally, runs = 0, before = 0;
    if (tally == NULL)
        tally = rows->tally = malloc((size_t)rows->cells * sizeof *tally);
    if (tally == NULL)
        return NULL;
    memset(tally, 0, (size_t)rows->cells * sizeof *tally);
    for (int64_t i = 0; i < n; i++)
        tally[ids[i]]++;
    for (int64_t i = 0; i < rows->cells; i++)
        runs += tally[i] != 0;
    size_t size = (sizeof(Sorted) + sizeof(uint16_t) * (size_t)n + 7) & ~(size_t)7;
    Sorted *sorted = malloc(size + runs * sizeof(Run));
    if (sorted == NULL)
        return NULL;
    *sorted = (Sorted){rows->sorted, start, n, runs, (Run *)((char *)sorted + size)};
    Run *run = sorted->run;
    for (int64_t i = 0; i < rows->cells; i++) {
        uint32_t count = tally[i];
        if (count == 0)
            continue;
        tally[i] = before;
        before += count;
        *run++ = (Run){(uint32_t)i, before};
    }
    for (int64_t i = 0; i < n; i++)
        sorted->row[tally[ids[i]]++] = (uint16_t)i;
    rows->sorted = sorted;
    return sorted;
}

/* Write floats as whole numbers of units below 2^62; those that are not go to their cells. */
static int number_floats(Sweep *self, const char *at, const uint32_t *ids, int64_t n,
                         int64_t *numbers)
{
    const double unit = power(self->unit), units = power(-self->unit);
    for (int64_t i = 0; i < n; i++) {
        double value = float_at(at, i), scaled = value * units;
        __builtin_prefetch(at + 8 * i + FAR);
        if (scaled > -0x1p62 && scaled < 0x1p62) {
            numbers[i] = (int64_t)scaled;
            if ((double)numbers[i] * unit == value)
                continue;
        }
        numbers[i] = NOWHERE;
        if (float_beside_unit(self, ids[i], bits_at(at, i)))
            return -1;
    }
    return 0;
}

#ifdef __x86_64__
/* The same, eight at a time. */
__attribute__((target("avx512f,avx512dq"))) static int
number_eight_floats(Sweep *self, const char *at, const uint32_t *ids, int64_t n, int64_t *numbers)
{
    const __m512d unit = _mm512_set1_pd(power(self->unit)), end = _mm512_set1_pd(0x1p62);
    const __m512d units = _mm512_set1_pd(power(-self->unit));
    const __m512i nowhere = _mm512_set1_epi64(NOWHERE);
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m512d values = _mm512_loadu_pd(at + 8 * i), scaled = _mm512_mul_pd(values, units);
        __m512i x = _mm512_cvttpd_epi64(scaled);
        __m512d back = _mm512_mul_pd(_mm512_cvtepi64_pd(x), unit);
        _mm_prefetch(at + 8 * i + FAR, _MM_HINT_T0);
        __mmask8 near = _mm512_cmp_pd_mask(_mm512_abs_pd(scaled), end, _CMP_LT_OQ);
        __mmask8 same = _mm512_mask_cmp_pd_mask(near, back, values, _CMP_EQ_OQ);
        _mm512_storeu_si512(numbers + i, _mm512_mask_blend_epi64(same, nowhere, x));
        for (unsigned beside = same ^ 255; beside != 0; beside &= beside - 1) {
            int64_t at_fault = i + __builtin_ctz(beside);
            if (float_beside_unit(self, ids[at_fault], bits_at(at, at_fault)))
                return -1;
        }
    }
    return number_floats(self, at + 8 * i, ids + i, n - i, numbers + i);
}
#define EIGHT_AT_ONCE (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
#else
#define number_eight_floats number_floats
#define EIGHT_AT_ONCE 0
#endif

/* What some numbers of a cell come to; the squares go into the cell. */
typedef struct {
    i128 sum;
    int64_t low, high, count;
} Total;

#ifdef __x86_64__
/* Add the numbers of 8·n rows up, eight at a time; n is at most SQUARES. A number below 2^62 is
   ±(b·2^32 + a): of a² and ab the halves are added up, b² < 2^60 as it is. */
__attribute__((target("avx512f,avx512dq,avx512vl"))) static void
sum_eights(Cell *cell, Total *total, const int64_t *numbers, const uint16_t *row, int n)
{
    const __m512i half = _mm512_set1_epi64(UINT32_MAX), nowhere = _mm512_set1_epi64(NOWHERE);
    const __m512i none = _mm512_setzero_si512();
    __m512i low = _mm512_set1_epi64(total->low), high = _mm512_set1_epi64(total->high);
    __m512i low_sum = none, high_sum = none, low_aa = none, high_aa = none, low_ab = none;
    __m512i high_ab = none, bb = none;
    for (const uint16_t *end = row + 8 * n; row < end; row += 8) {
        __m256i places = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)row));
        __m512i x = _mm512_i32gather_epi64(places, numbers, 8);
        __mmask8 counted = _mm512_cmpneq_epi64_mask(x, nowhere);
        if (counted != 255) {
            total->count -= 8 - __builtin_popcount(counted);
            x = _mm512_maskz_mov_epi64(counted, x);
        }
        low = _mm512_mask_min_epi64(low, counted, low, x);
        high = _mm512_mask_max_epi64(high, counted, high, x);
        low_sum = _mm512_add_epi64(low_sum, _mm512_and_si512(x, half));
        high_sum = _mm512_add_epi64(high_sum, _mm512_srai_epi64(x, 32));
        __m512i a = _mm512_abs_epi64(x), b = _mm512_srli_epi64(a, 32);
        __m512i aa = _mm512_mul_epu32(a, a), ab = _mm512_mul_epu32(a, b);
        low_aa = _mm512_add_epi64(low_aa, _mm512_and_si512(aa, half));
        high_aa = _mm512_add_epi64(high_aa, _mm512_srli_epi64(aa, 32));
        low_ab = _mm512_add_epi64(low_ab, _mm512_and_si512(ab, half));
        high_ab = _mm512_add_epi64(high_ab, _mm512_srli_epi64(ab, 32));
        bb = _mm512_add_epi64(bb, _mm512_mul_epu32(b, b));
    }
#define ADDED(vector) (u128)(uint64_t)_mm512_reduce_add_epi64(vector)
    u128 high_bb = ADDED(_mm512_srli_epi64(bb, 32));
    add_square(cell, ADDED(low_aa) + (ADDED(high_aa) << 32) + (ADDED(low_ab) << 33) +
                         (ADDED(high_ab) << 65) + (ADDED(_mm512_and_si512(bb, half)) << 64));
    add_square(cell, high_bb << 96);
    cell->more_squares += (uint64_t)(high_bb >> 32);
    total->sum += (i128)_mm512_reduce_add_epi64(high_sum) * (INT64_C(1) << 32);
    total->sum += _mm512_reduce_add_epi64(low_sum);
    total->low = _mm512_reduce_min_epi64(low);
    total->high = _mm512_reduce_max_epi64(high);
}
#endif

/* Add numbers up, one cell after the other. */
static void sum_runs(Sweep *self, const Sorted *sorted, const int64_t *numbers)
{
#ifdef __x86_64__
    const int eight = EIGHT_AT_ONCE;
#endif
    const uint16_t *row = sorted->row;
    const double unit = power(self->unit);
    for (const Run *run = sorted->run; run < sorted->run + sorted->runs; run++) {
        const uint16_t *end = sorted->row + run->end;
        Total total = {0, INT64_MAX, INT64_MIN, end - row};
        Cell *cell = self->cell + run->cell;
#ifdef __x86_64__
        while (eight && end - row >= WORTH_EIGHT) {
            int64_t eights = (end - row) / 8;
            int n = (int)(eights < SQUARES ? eights : SQUARES);
            sum_eights(cell, &total, numbers, row, n);
            row += 8 * n;
        }
#endif
        i128 sum = total.sum;
        int64_t low = total.low, high = total.high, count = total.count;
        while (row < end) {
            const uint16_t *stop = end - row < SQUARES ? end : row + SQUARES;
            u128 squares = 0;
            for (; row < stop; row++) {
                int64_t x = numbers[*row];
                if (x == NOWHERE) {
                    count--;
                    continue;
                }
                sum += x;
                squares += (u128)((i128)x * x);
                low = x < low ? x : low;
                high = x > high ? x : high;
            }
            add_square(cell, squares);
        }
        if (count == 0)
            continue;
        cell->sum += sum;
        cell->count += (uint64_t)count;
        if (self->kind == 'f') {
            double least = (double)low * unit, most = (double)high * unit;
            cell->low.f = least < cell->low.f ? least : cell->low.f;
            cell->high.f = most > cell->high.f ? most : cell->high.f;
        } else if (self->kind == 'i') {
            cell->low.i = low < cell->low.i ? low : cell->low.i;
            cell->high.i = high > cell->high.i ? high : cell->high.i;
        } else {
            cell->low.u = (uint64_t)low < cell->low.u ? (uint64_t)low : cell->low.u;
            cell->high.u = (uint64_t)high > cell->high.u ? (uint64_t)high : cell->high.u;
        }
    }
}

static int number_integers(Sweep *self, const char *at, const uint32_t *ids, int64_t n,
                           int64_t *numbers)
{
    const int64_t end = INT64_C(1) << 62;
    for (int64_t i = 0; i < n; i++) {
        uint32_t id[1 + AHEAD] = {ids[i]};
        int64_t x;
        memcpy(&x, at + 8 * i, 8);
        __builtin_prefetch(at + 8 * i + FAR);
        numbers[i] = x;
        if (x < end && x > (self->kind == 'u' ? -1 : -end))
            continue;
        numbers[i] = NOWHERE;
        if (self->kind == 'u')
            unsigned_integers(self, at + 8 * i, id, 1);
        else
            signed_integers(self, at + 8 * i, id, 1);
    }
    return 0;
}

static int sweep_sorted(Sweep *self, const Column *column, Rows *rows, int64_t start, int64_t n,
                        int64_t first)
{
    const Sorted *sorted = sorted_rows(rows, first + start, n);
    if (rows->numbers == NULL)
        rows->numbers = malloc(sizeof(int64_t) * SORTED);
    if (sorted == NULL || rows->numbers == NULL)
        return NO_MEMORY;
    int (*number)(Sweep *, const char *, const uint32_t *, int64_t, int64_t *) =
        self->kind != 'f' ? number_integers : EIGHT_AT_ONCE ? number_eight_floats : number_floats;
    const uint32_t *ids = column->ids + start;
    char values[8 * BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t some = n - i < BLOCK ? n - i : BLOCK, *numbers = rows->numbers + i;
        const char *at = widened(column, start + i, some, values);
        int64_t bit = column->offset + start + i;
        if (column->valid != NULL) {
            memmove(values, at, 8 * (size_t)some);
            at = values;
            for (int64_t j = 0; j < some; j++)
                if (!is_set(column->valid, bit + j)) /* zero is in place anywhere */
                    memset(values + 8 * j, 0, 8);
        }
        if (self->kind == 'f') {
            if (i == 0 && review_unit(self, at, some)) /* all of these numbers have one unit */
                return NO_MEMORY;
            self->seen += some;
        }
        if (number(self, at, ids + i, some, numbers))
            return NO_MEMORY;
        for (int64_t j = 0; column->valid != NULL && j < some; j++)
            if (!is_set(column->valid, bit + j)) {
                numbers[j] = NOWHERE;
                self->aside[ids[i + j]][A_NULL]++;
            }
    }
    sum_runs(self, sorted, rows->numbers);
    return OK;
}

static int sweep_column(Sweep *self, const Column *column, Rows *rows, int64_t first)
{
    int status = OK;
    int64_t at_once = column->length < SORTED ? column->length : SORTED;
    if (rows != NULL && rows->cells <= at_once / RUN) {
        for (int64_t start = 0; start < column->length && status == OK; start += SORTED) {
            int64_t left = column->length - start;
            status = sweep_sorted(self, column, rows, start, left < SORTED ? left : SORTED, first);
        }
        return status;
    }
    for (int64_t start = 0; start < column->length && status == OK; start += BLOCK) {
        int64_t left = column->length - start;
        status = sweep_block(self, column, start, left < BLOCK ? left : BLOCK);
    }
    return status;
}

/* ---- The Python type */

static int grow_to(Sweep *self, int64_t cells)
{
    if (cells > self->room) {
        int64_t room = cells > 1 ? cells + cells / 2 : 1;
        if (room > INT32_MAX)
            return -1;
        /* A cell begins a cache line. */
        char *memory = malloc((size_t)room * sizeof(Cell) + 63);
        void *aside = calloc((size_t)room, sizeof *self->aside);
        int64_t *digits =
            self->digits ? calloc((size_t)room, 24 * (size_t)self->width) : NULL;
        if (memory == NULL || aside == NULL || (self->digits != NULL && digits == NULL)) {
            free(memory);
            free(aside);
            free(digits);
            return -1;
        }
        Cell *cell = (Cell *)(memory + (-(uintptr_t)memory & 63));
        if (self->cells > 0) {
            memcpy(cell, self->cell, (size_t)self->cells * sizeof *cell);
            memcpy(aside, self->aside, (size_t)self->cells * sizeof *self->aside);
        }
        if (digits != NULL)
            memcpy(digits, self->digits, (size_t)self->cells * 24 * (size_t)self->width);
        free(self->cell_memory);
        free(self->aside);
        free(self->digits);
        self->cell_memory = memory;
        self->cell = cell;
        self->aside = aside;
        self->digits = digits;
        self->room = room;
    }
    for (; self->cells < cells; self->cells++) {
        Cell *cell = self->cell + self->cells;
        memset(cell, 0, sizeof *cell);
        if (self->kind == 'f') {
            cell->low.f = INFINITY;
            cell->high.f = -INFINITY;
        } else if (self->kind == 'i') {
            cell->low.i = INT64_MAX;
            cell->high.i = INT64_MIN;
        } else
            cell->low.u = UINT64_MAX;
    }
    return 0;
}

static PyObject *sweep_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *kind;
    long long cells;
    if (keywords != NULL && PyDict_Size(keywords) > 0) {
        PyErr_SetString(PyExc_TypeError, "Sweep takes no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "sL", &kind, &cells))
        return NULL;
    if (strlen(kind) != 1 || strchr("fiu", kind[0]) == NULL || cells < 1) {
        PyErr_SetString(PyExc_ValueError, "a kind (f, i or u) and at least one cell are needed");
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Sweep *self = (Sweep *)allocate(type, 0);
    if (self == NULL)
        return NULL;
    self->kind = kind[0];
    self->review = REVIEW_AFTER;
    if (grow_to(self, cells)) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void sweep_dealloc(PyObject *object)
{
    Sweep *self = (Sweep *)object;
    PyTypeObject *type = Py_TYPE(object);
    free(self->cell_memory);
    free(self->aside);
    free(self->bins);
    free(self->small_bins);
    free(self->digits);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

/* A Sweep is worked on without the interpreter's lock, so by one thread at a time. */
static int begin(Sweep *self)
{
    if (self->busy) {
        PyErr_SetString(PyExc_RuntimeError, "another thread is using this Sweep");
        return -1;
    }
    self->busy = 1;
    return 0;
}

static PyObject *sweep_grow(PyObject *object, PyObject *argument)
{
    Sweep *self = (Sweep *)object;
    long long cells = PyLong_AsLongLong(argument);
    if (cells == -1 && PyErr_Occurred())
        return NULL;
    if (begin(self))
        return NULL;
    int failed = grow_to(self, cells);
    self->busy = 0;
    if (failed)
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

/* Take in the arrays of a stream; return a Python error's absence. */
static int add_stream(Sweep *self, struct ArrowArrayStream *stream, Column *column, int64_t ids,
                      Rows *rows)
{
    const uint32_t *cells = column->ids;
    int64_t done = 0;
    for (;;) {
        struct ArrowArray array;
        if (stream->get_next(stream, &array)) {
            PyErr_SetString(PyExc_ValueError, "the Arrow stream failed");
            return -1;
        }
        if (array.release == NULL)
            break;
        column->length = array.length;
        column->offset = array.offset;
        column->valid = array.null_count ? array.buffers[0] : NULL;
        column->data = array.buffers[1];
        column->ids = cells == NULL ? NULL : cells + done;
        done += array.length;
        int status = OK;
        if (cells != NULL && done > ids)
            status = BAD_IDS;
        else {
            Py_BEGIN_ALLOW_THREADS
            status = sweep_column(self, column, rows, done - array.length);
            Py_END_ALLOW_THREADS
        }
        array.release(&array);
        if (status == NO_MEMORY)
            PyErr_NoMemory();
        if (status == BAD_IDS)
            PyErr_SetString(PyExc_ValueError, "there are cell ids too few or too large");
        if (status != OK)
            return -1;
    }
    if (cells != NULL && done != ids) {
        PyErr_SetString(PyExc_ValueError, "there are more cell ids than values");
        return -1;
    }
    return 0;
}

static int open_ids(PyObject *ids, Py_buffer *view)
{
    if (PyObject_GetBuffer(ids, view, PyBUF_SIMPLE))
        return -1;
    if (view->len % 4 == 0 && (uintptr_t)view->buf % 4 == 0)
        return 0;
    PyBuffer_Release(view);
    PyErr_SetString(PyExc_ValueError, "cell ids are 32-bit integers");
    return -1;
}

static void free_rows(PyObject *capsule)
{
    Rows *rows = PyCapsule_GetPointer(capsule, ROWS);
    for (Sorted *sorted = rows->sorted, *next; sorted != NULL; sorted = next) {
        next = sorted->next;
        free(sorted);
    }
    PyBuffer_Release(&rows->view);
    free(rows->tally);
    free(rows->numbers);
    free(rows);
}

/* Return a capsule of the cells of a batch's rows, for all of its columns. */
static PyObject *new_rows(PyObject *module, PyObject *args)
{
    PyObject *ids, *capsule = NULL;
    long long cells;
    (void)module;
    if (!PyArg_ParseTuple(args, "OL", &ids, &cells))
        return NULL;
    Rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL)
        return PyErr_NoMemory();
    if (open_ids(ids, &rows->view)) {
        free(rows);
        return NULL;
    }
    rows->ids = rows->view.buf;
    rows->length = rows->view.len / 4;
    rows->cells = cells;
    uint32_t largest = 0;
    for (int64_t i = 0; i < rows->length; i++)
        largest = rows->ids[i] > largest ? rows->ids[i] : largest;
    if (cells < 1 || largest >= cells)
        PyErr_SetString(PyExc_ValueError, "there are cell ids too large");
    else
        capsule = PyCapsule_New(rows, ROWS, free_rows);
    if (capsule == NULL) {
        PyBuffer_Release(&rows->view);
        free(rows);
    }
    return capsule;
}

static PyObject *sweep_add(PyObject *object, PyObject *args)
{
    static const char formats[] = "cCsSiIlLfg", kinds[] = "iiiiiiiuff";
    static const int sizes[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
    Sweep *self = (Sweep *)object;
    PyObject *capsule, *ids;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &ids))
        return NULL;
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (stream == NULL)
        return NULL;
    struct ArrowSchema schema;
    if (stream->release == NULL || stream->get_schema(stream, &schema)) {
        PyErr_SetString(PyExc_ValueError, "the Arrow stream has been read, or failed");
        return NULL;
    }
    Column column = {0};
    column.format = strlen(schema.format) == 1 ? schema.format[0] : '\0';
    schema.release(&schema);
    const char *found = column.format ? strchr(formats, column.format) : NULL;
    if (found == NULL || kinds[found - formats] != self->kind) {
        PyErr_SetString(PyExc_TypeError, "the column is not of this Sweep's kind");
        return NULL;
    }
    column.size = sizes[found - formats];

    Py_buffer view = {0};
    Rows *rows = NULL;
    int64_t length = 0;
    if (PyCapsule_IsValid(ids, ROWS)) {
        rows = PyCapsule_GetPointer(ids, ROWS);
        column.ids = rows->ids;
        length = rows->length;
        if (rows->cells > self->cells) {
            PyErr_SetString(PyExc_ValueError, "there are more cells than the Sweep has");
            return NULL;
        }
    } else if (ids != Py_None) {
        if (open_ids(ids, &view))
            return NULL;
        column.ids = view.buf;
        length = view.len / 4;
    }
    int failed = -1;
    if (rows != NULL && rows->busy)
        PyErr_SetString(PyExc_RuntimeError, "another thread is using these Rows");
    else if (begin(self) == 0) {
        if (rows != NULL)
            rows->busy = 1;
        failed = add_stream(self, stream, &column, length, rows);
        self->busy = 0;
        if (rows != NULL)
            rows->busy = 0;
    }
    if (view.obj != NULL)
        PyBuffer_Release(&view);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

/* Return what has been found, by cell: bytes of (null, NaN, inf and) valid counts, extremes, and
   the power of two and the digits of the sums; the digits of the squares begin at twice it. */
static PyObject *sweep_result(PyObject *object, PyObject *unused)
{
    (void)unused;
    Sweep *self = (Sweep *)object;
    if (begin(self))
        return NULL;
    PyObject *parts[5] = {NULL}, *result = NULL;
    if (empty_bins(self) || empty_small_bins(self) || empty_cells(self) || reserve(self, self->first, self->first + 1)) {
        PyErr_NoMemory();
        goto done;
    }
    Py_ssize_t cells = (Py_ssize_t)self->cells, width = self->width;
    Py_ssize_t sizes[] = {4, 1, 1, width, 2 * width};
    char *to[5];
    for (int i = 0; i < 5; i++) {
        parts[i] = PyBytes_FromStringAndSize(NULL, 8 * cells * sizes[i]);
        if (parts[i] == NULL)
            goto done;
        to[i] = PyBytes_AsString(parts[i]);
    }
    for (Py_ssize_t i = 0; i < cells; i++) {
        const Cell *cell = self->cell + i;
        const int64_t *row = self->digits + 3 * i * width;
        Number low = cell->low, high = cell->high;
        if (self->kind == 'f') { /* −0.0 becomes 0.0: which of them came first must not show */
            low.f += 0.0;
            high.f += 0.0;
        }
        memcpy(to[0] + 8 * i, &cell->count, 8);
        for (int j = 0; j < ASIDE; j++)
            memcpy(to[0] + 8 * ((j + 1) * cells + i), self->aside[i] + j, 8);
        memcpy(to[1] + 8 * i, &low, 8);
        memcpy(to[2] + 8 * i, &high, 8);
        for (Py_ssize_t j = 0; j < width; j++)
            memcpy(to[3] + 8 * (j * cells + i), row + j, 8);
        for (Py_ssize_t j = 0; j < 2 * width; j++)
            memcpy(to[4] + 8 * (j * cells + i), row + width + j, 8);
    }
    result = Py_BuildValue("OOOiOO", parts[0], parts[1], parts[2], 32 * self->first - LEAST,
                           parts[3], parts[4]);
done:
    for (int i = 0; i < 5; i++)
        Py_XDECREF(parts[i]);
    self->busy = 0;
    return result;
}

static PyMethodDef methods[] = {
    {"add", sweep_add, METH_VARARGS, "Take in an Arrow stream; ids: uint32 cells, rows, or None."},
    {"grow", sweep_grow, METH_O, "Make room for that many cells."},
    {"result", sweep_result, METH_NOARGS, "Return counts, extremes and digits as bytes."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, sweep_new},
    {Py_tp_dealloc, sweep_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, "Exact counts, extremes and moments of a column, by cell."},
    {0, NULL},
};

static PyType_Spec spec = {"normcli._exact.Sweep", sizeof(Sweep), 0, Py_TPFLAGS_DEFAULT, slots};

static int module_exec(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL)
        return -1;
    int failed = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return failed;
}

static PyMethodDef functions[] = {
    {"rows", new_rows, METH_VARARGS,
     "rows(ids, cells): cells of a batch's rows (uint32), for Sweep.add of each of its columns."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, module_exec}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "normcli._exact", NULL, 0, functions, module_slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__exact(void)
{
    return PyModuleDef_Init(&definition);
}
