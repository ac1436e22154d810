import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Properties;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** Restores one persistent store from its changelog into an empty folder, with the defaults and exactly once v2. */
public class Restore {
  static KeyValueStore<Bytes, byte[]> store;
  static long began, cpu, ended, used;

  static long cpuNow() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }

  /** Arguments: bootstrap, application id, input topic (empty, one partition), folder. The store is called "s". */
  public static void main(String[] given) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", given[0]);
    settings.put("application.id", given[1]);
    settings.put("state.dir", given[3]);
    settings.put("processing.guarantee", "exactly_once_v2");
    Topology topology = new Topology();
    topology.addSource("in", Serdes.Bytes().deserializer(), Serdes.ByteArray().deserializer(), given[2]);
    topology.addProcessor("keep", Keep::new, "in");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("s"), Serdes.Bytes(), Serdes.ByteArray()), "keep");
    KafkaStreams streams = new KafkaStreams(topology, settings);
    streams.setGlobalStateRestoreListener(new StateRestoreListener() {
      public void onRestoreStart(TopicPartition place, String name, long from, long to) {
        began = System.nanoTime();
        cpu = cpuNow();
      }

      public void onBatchRestored(TopicPartition place, String name, long offset, long count) {}

      public void onRestoreEnd(TopicPartition place, String name, long records) {
        ended = System.nanoTime();
        used = cpuNow() - cpu;
      }
    });
    streams.start();
  }

  static class Keep implements Processor<Bytes, byte[], Bytes, byte[]> {
    /** Called once the store is restored. */
    public void init(ProcessorContext<Bytes, byte[]> context) {
      store = context.getStateStore("s");
      long rows = 0;
      try (KeyValueIterator<Bytes, byte[]> all = store.all()) {
        for (; all.hasNext(); all.next()) rows++;
      }
      System.out.printf("{\"rows\": %d, \"seconds\": %f, \"cpu_s\": %f}%n", rows, (ended - began) / 1e9, used / 1e9);
      System.out.flush();
      Runtime.getRuntime().halt(0);
    }

    public void process(Record<Bytes, byte[]> record) {}
  }
}
