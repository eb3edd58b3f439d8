/* The kernel of workflow/qdistill/kernel.py in C, for compare_numba_and_c.py: same passes over
 * the same arrays. States are (N, 2 B), real parts first; middles are (L + 1, N, 2 B). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void fill_phases(const float *angles, int qubits, float *restrict cosines,
                        float *restrict sines) {
  int size = 1;
  cosines[0] = 1.0f, sines[0] = 0.0f;
  for (int wire = 0; wire < qubits; wire++, size *= 2) {
    float c = cosf(0.5f * angles[2 * wire]), s = sinf(0.5f * angles[2 * wire]);
    for (int k = size - 1; k >= 0; k--) {
      float re = cosines[k], im = sines[k];
      cosines[2 * k] = re * c + im * s, sines[2 * k] = im * c - re * s;
      cosines[2 * k + 1] = re * c - im * s, sines[2 * k + 1] = im * c + re * s;
    }
  }
}

static void rotate_two(const float *source, float *target, const long *rows, int groups,
                       int columns, float c1, float s1, float c2, float s2) {
  for (int g = 0; g < groups; g++) {
    const float *x[4];
    float *y[4];
    for (int i = 0; i < 4; i++) {
      x[i] = source + rows[4 * g + i] * columns;
      y[i] = target + rows[4 * g + i] * columns;
    }
#pragma GCC ivdep
    for (int b = 0; b < columns; b++) {
      float y0 = c1 * x[0][b] - s1 * x[2][b], y2 = s1 * x[0][b] + c1 * x[2][b];
      float y1 = c1 * x[1][b] - s1 * x[3][b], y3 = s1 * x[1][b] + c1 * x[3][b];
      y[0][b] = c2 * y0 - s2 * y1, y[1][b] = s2 * y0 + c2 * y1;
      y[2][b] = c2 * y2 - s2 * y3, y[3][b] = s2 * y2 + c2 * y3;
    }
  }
}

static void rotate_last(float *states, int size, int columns, float c, float s) {
  for (int g = 0; g < size / 2; g++) {
    float *restrict x = states + 2L * g * columns, *restrict y = x + columns;
    for (int b = 0; b < columns; b++) {
      float x0 = x[b], x1 = y[b];
      x[b] = c * x0 - s * x1, y[b] = s * x0 + c * x1;
    }
  }
}

static void rotate(const float *source, float *target, const float *angles, const long *rows,
                   int qubits, int columns, float sign) {
  int size = 1 << qubits;
  for (int pair = 0; pair < qubits / 2; pair++) {
    const float *a = angles + 4 * pair;
    rotate_two(pair ? target : source, target, rows + (long)pair * size, size / 4, columns,
               cosf(0.5f * a[1]), sign * sinf(0.5f * a[1]), cosf(0.5f * a[3]),
               sign * sinf(0.5f * a[3]));
  }
  if (qubits % 2) {
    float half = 0.5f * angles[2 * qubits - 1];
    rotate_last(target, size, columns, cosf(half), sign * sinf(half));
  }
}

/* amplitudes and probabilities are (B, N). */
void push(int layers, int qubits, int examples, const float *angles, const float *amplitudes,
          const long *identity, const long *ring, const long *rows, float *middles,
          float *probabilities) {
  int size = 1 << qubits, columns = 2 * examples;
  float *current = malloc(sizeof(float) * size * columns);
  float *cosines = malloc(sizeof(float) * size), *sines = malloc(sizeof(float) * size);
  for (int k = 0; k < size; k++)
    for (int b = 0; b < examples; b++) {
      current[(long)k * columns + b] = amplitudes[(long)b * size + k];
      current[(long)k * columns + examples + b] = 0.0f;
    }
  for (int layer = 0; layer < layers; layer++) {
    const float *a = angles + 2L * layer * qubits;
    const long *order = layer ? ring : identity;
    float *middle = middles + (long)layer * size * columns;
    fill_phases(a, qubits, cosines, sines);
    for (int k = 0; k < size; k++) {
      const float *restrict x = current + order[k] * columns;
      float *restrict y = middle + (long)k * columns, c = cosines[k], s = sines[k];
      for (int b = 0; b < examples; b++) {
        float re = x[b], im = x[examples + b];
        y[b] = c * re - s * im, y[examples + b] = c * im + s * re;
      }
    }
    rotate(middle, current, a, rows, qubits, columns, 1.0f);
  }
  memcpy(middles + (long)layers * size * columns, current, sizeof(float) * size * columns);
  for (int k = 0; k < size; k++) {
    const float *x = current + ring[k] * columns;
    for (int b = 0; b < examples; b++)
      probabilities[(long)b * size + k] =
          x[b] * x[b] + x[examples + b] * x[examples + b];
  }
  free(current), free(cosines), free(sines);
}

/* signs are (N, q); gradient and of_amplitudes are (B, N). */
void pull(int layers, int qubits, int examples, const float *angles, const float *gradient,
          const long *identity, const long *ring, const long *rows, const double *signs,
          const float *middles, float *of_angles, float *of_amplitudes) {
  int size = 1 << qubits, columns = 2 * examples;
  float *adjoint = malloc(sizeof(float) * size * columns);
  float *spare = malloc(sizeof(float) * size * columns);
  float *cosines = malloc(sizeof(float) * size), *sines = malloc(sizeof(float) * size);
  const float *final = middles + (long)layers * size * columns;
  for (int k = 0; k < size; k++) {
    const float *x = final + ring[k] * columns;
    float *y = adjoint + ring[k] * columns;
    for (int b = 0; b < examples; b++) {
      float twice = 2.0f * gradient[(long)b * size + k];
      y[b] = twice * x[b], y[examples + b] = twice * x[examples + b];
    }
  }
  for (int layer = layers - 1; layer >= 0; layer--) {
    const float *a = angles + 2L * layer * qubits;
    const long *order = layer ? ring : identity;
    const float *middle = middles + (long)layer * size * columns;
    float *of_layer = of_angles + 2L * layer * qubits;
    rotate(adjoint, adjoint, a, rows, qubits, columns, -1.0f);
    for (int pair = 0; pair < qubits / 2; pair++) {
      float first = 0.0f, second = 0.0f;
      for (int g = 0; g < size / 4; g++) {
        const long *row = rows + (long)pair * size + 4 * g;
        const float *a0 = adjoint + row[0] * columns, *a1 = adjoint + row[1] * columns;
        const float *a2 = adjoint + row[2] * columns, *a3 = adjoint + row[3] * columns;
        const float *m0 = middle + row[0] * columns, *m1 = middle + row[1] * columns;
        const float *m2 = middle + row[2] * columns, *m3 = middle + row[3] * columns;
        for (int b = 0; b < columns; b++) {
          first += a2[b] * m0[b] - a0[b] * m2[b] + a3[b] * m1[b] - a1[b] * m3[b];
          second += a1[b] * m0[b] - a0[b] * m1[b] + a3[b] * m2[b] - a2[b] * m3[b];
        }
      }
      of_layer[4 * pair + 1] = 0.5f * first, of_layer[4 * pair + 3] = 0.5f * second;
    }
    if (qubits % 2) {
      float sum = 0.0f;
      for (int g = 0; g < size / 2; g++) {
        const float *a0 = adjoint + 2L * g * columns, *m0 = middle + 2L * g * columns;
        for (int b = 0; b < columns; b++)
          sum += a0[columns + b] * m0[b] - a0[b] * m0[columns + b];
      }
      of_layer[2 * qubits - 1] = 0.5f * sum;
    }
    double totals[32] = {0};
    for (int k = 0; k < size; k++) {
      const float *x = adjoint + (long)k * columns, *m = middle + (long)k * columns;
      float sum = 0.0f;
      for (int b = 0; b < examples; b++) sum += x[b] * m[examples + b] - x[examples + b] * m[b];
      for (int wire = 0; wire < qubits; wire++) totals[wire] += sum * signs[k * qubits + wire];
    }
    for (int wire = 0; wire < qubits; wire++) of_layer[2 * wire] = 0.5 * totals[wire];
    fill_phases(a, qubits, cosines, sines);
    for (int k = 0; k < size; k++) {
      const float *restrict x = adjoint + (long)k * columns;
      float *restrict y = spare + order[k] * columns, c = cosines[k], s = sines[k];
      for (int b = 0; b < examples; b++) {
        y[b] = c * x[b] + s * x[examples + b];
        y[examples + b] = c * x[examples + b] - s * x[b];
      }
    }
    float *swapped = adjoint;
    adjoint = spare, spare = swapped;
  }
  for (int b = 0; b < examples; b++)
    for (int k = 0; k < size; k++)
      of_amplitudes[(long)b * size + k] = adjoint[(long)k * columns + b];
  free(adjoint), free(spare), free(cosines), free(sines);
}
