// Maximum of k = P c and its time, for tissue in a temporal basis; compiled to peak.wasm by `make wasm`.
//
// Tissue lies in groups of LANES voxels: q rows of LANES float32. For each group the product with P (n_rows × q) goes
// into a scratch that stays in the first-level cache; its maximum, the row of the maximum and the vertex of the
// parabola through the neighbours are taken at once, as perfcore.deconvolution.fused does.
#include <wasm_simd128.h>

#define LANES 16
#define VECTORS 4      // of 4 float32 in a group
#define MAX_ROWS 1024  // n_time + rows at negative times

static float k[MAX_ROWS * LANES];
static int rows_of_maxima[LANES];

// The product of N_ROWS rows of P with a group: 4 × N_ROWS accumulators, which stay in registers.
#define PRODUCT(N_ROWS)                                                                       \
  static void product_##N_ROWS(const float *p, const float *c, int q, float *out) {           \
    v128_t sum[N_ROWS][VECTORS];                                                              \
    for (int i = 0; i < N_ROWS; i++)                                                          \
      for (int v = 0; v < VECTORS; v++) sum[i][v] = wasm_f32x4_const_splat(0);                \
    for (int j = 0; j < q; j++, c += LANES)                                                   \
      for (int i = 0; i < N_ROWS; i++) {                                                      \
        const v128_t weight = wasm_v128_load32_splat(p + i * q + j);                          \
        for (int v = 0; v < VECTORS; v++)                                                     \
          sum[i][v] = wasm_f32x4_add(sum[i][v], wasm_f32x4_mul(weight, wasm_v128_load(c + 4 * v))); \
      }                                                                                       \
    for (int i = 0; i < N_ROWS; i++)                                                          \
      for (int v = 0; v < VECTORS; v++) wasm_v128_store(out + i * LANES + 4 * v, sum[i][v]);  \
  }

PRODUCT(3)
PRODUCT(1)

static void maxima(int n_rows, float *top) {
  for (int v = 0; v < VECTORS; v++) {
    v128_t best = wasm_v128_load(k + 4 * v), row = wasm_i32x4_const_splat(0);
    for (int r = 1; r < n_rows; r++) {
      const v128_t here = wasm_v128_load(k + r * LANES + 4 * v);
      const v128_t higher = wasm_f32x4_gt(here, best);
      best = wasm_v128_bitselect(here, best, higher);
      row = wasm_v128_bitselect(wasm_i32x4_splat(r), row, higher);
    }
    wasm_v128_store(top + 4 * v, best);
    wasm_v128_store(rows_of_maxima + 4 * v, row);
  }
}

// Row refined by the parabola through the maximum and its neighbours; NaN where the maximum is not positive.
static float refined(int lane, int row, float top, int n_rows) {
  if (!(top > 0)) return __builtin_nanf("");
  if (row == 0 || row == n_rows - 1) return row;
  const float *at = k + row * LANES + lane;
  const float slope = 0.5f * (at[-LANES] - at[LANES]), bend = at[-LANES] - 2 * at[0] + at[LANES];
  const float shift = bend < 0 ? slope / bend : 0;
  return row + (shift < -0.5f ? -0.5f : shift > 0.5f ? 0.5f : shift);
}

// p: n_rows × q; c: n_groups × q × LANES; top, row: n_groups × LANES. Returns 0, or 1 where n_rows is too large.
__attribute__((export_name("peaks"))) int peaks(
    const float *p, int n_rows, int q, const float *c, int n_groups, float *top, float *row) {
  if (n_rows > MAX_ROWS) return 1;
  for (int g = 0; g < n_groups; g++, c += q * LANES, top += LANES, row += LANES) {
    int r = 0;
    for (; r + 3 <= n_rows; r += 3) product_3(p + r * q, c, q, k + r * LANES);
    for (; r < n_rows; r++) product_1(p + r * q, c, q, k + r * LANES);
    maxima(n_rows, top);
    for (int lane = 0; lane < LANES; lane++) row[lane] = refined(lane, rows_of_maxima[lane], top[lane], n_rows);
  }
  return 0;
}
